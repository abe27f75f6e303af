//! Key pairs for logins by SSH.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use zeroize::Zeroizing;

use crate::backend::BackendError;

/// A new key pair.
pub struct SshKeyPair {
    /// The private key, PKCS#8 in DER.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key, as RFC 4253 §6.6 encodes `ssh-rsa`.
    pub public: Vec<u8>,
}

/// Makes an RSA pair of 2048 bits. Takes a tenth of a second, so run it where that does not matter.
/// Its randomness is the library's own: it takes none from outside.
pub fn generate() -> Result<SshKeyPair, BackendError> {
    let failed = |_| BackendError::Failed("no RSA pair");
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    let public = pair.public_key();
    let (exponent, modulus) = (public.exponent(), public.modulus());
    let numbers = [exponent, modulus].map(|it| it.big_endian_without_leading_zero().to_vec());
    let mut blob = Vec::new();
    put(&mut blob, b"ssh-rsa");
    for number in numbers {
        // Its first bit would be a sign. Source: RFC 4251 §5, mpint.
        put(&mut blob, &[&[0][..usize::from(number[0] >> 7)], &number].concat());
    }
    Ok(SshKeyPair { private: Zeroizing::new(der.as_ref().to_vec()), public: blob })
}

/// Adds a string: its length in four bytes, and itself. Source: RFC 4251 §5.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend(len.to_be_bytes());
    to.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::generate;

    #[test]
    fn the_public_key_is_three_strings() {
        let pair = generate().unwrap();
        let (mut rest, mut parts) = (&pair.public[..], Vec::new());
        while !rest.is_empty() {
            let (len, more) = rest.split_first_chunk::<4>().unwrap();
            let (part, more) = more.split_at(u32::from_be_bytes(*len) as usize);
            parts.push(part.to_vec());
            rest = more;
        }
        let lens: Vec<_> = parts.iter().map(Vec::len).collect();
        assert_eq!((parts[0].as_slice(), &*lens), (&b"ssh-rsa"[..], &[7, 3, 257][..]));
        assert_eq!((parts[1].as_slice(), parts[2][0]), (&[1, 0, 1][..], 0));
    }
}
