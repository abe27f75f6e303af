//! Keys: what they are made of, and what they are for. Their life is in [`life`].

use crate::{
    ids::{AccountId, AliasName, InstanceId, Invalid, KeyId, KeyVersionId},
    time::Timestamp,
};

pub mod life;
mod material;
pub mod products;

pub use life::{CannotChange, WrongState};
pub use material::NotImported;

/// Declares an enum whose variants have one spelling on the wire and in the store. What else a client
/// may write for one stands behind a bar.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal $(| $also:literal)?,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::Invalid;

            fn from_str(raw: &str) -> Result<Self, $crate::ids::Invalid> {
                match raw { $($word $(| $also)? => Ok(Self::$variant),)+ _ => Err($crate::ids::Invalid) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a key is made of. Source: keys.md §3.2; the HMAC names, in both spellings, are inferred there.
    KeySpec {
        /// AES, 256 bits: the default.
        Aes256 = "Aliyun_AES_256",
        /// AES, 192 bits.
        Aes192 = "Aliyun_AES_192",
        /// AES, 128 bits.
        Aes128 = "Aliyun_AES_128",
        /// SM4, 128 bits.
        Sm4 = "Aliyun_SM4",
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4096 bits.
        Rsa4096 = "RSA_4096",
        /// NIST P-256.
        EcP256 = "EC_P256",
        /// secp256k1.
        EcP256K = "EC_P256K",
        /// SM2.
        EcSm2 = "EC_SM2",
        /// HMAC with SM3.
        HmacSm3 = "Aliyun_HMAC_SM3" | "HMAC_SM3",
        /// HMAC with SHA-224.
        HmacSha224 = "Aliyun_HMAC_SHA_224" | "HMAC_SHA_224",
        /// HMAC with SHA-256.
        HmacSha256 = "Aliyun_HMAC_SHA_256" | "HMAC_SHA_256",
        /// HMAC with SHA-384.
        HmacSha384 = "Aliyun_HMAC_SHA_384" | "HMAC_SHA_384",
        /// HMAC with SHA-512.
        HmacSha512 = "Aliyun_HMAC_SHA_512" | "HMAC_SHA_512",
    }
}

impl KeySpec {
    /// The bytes of a symmetric cipher's key; `None` for every other kind of key.
    #[must_use]
    pub const fn cipher_key_len(self) -> Option<usize> {
        match self {
            Self::Aes256 => Some(32),
            Self::Aes192 => Some(24),
            Self::Aes128 | Self::Sm4 => Some(16),
            _ => None,
        }
    }

    /// The bytes of an RSA key's modulus; `None` for every other kind of key.
    #[must_use]
    pub const fn modulus_len(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(256),
            Self::Rsa3072 => Some(384),
            Self::Rsa4096 => Some(512),
            _ => None,
        }
    }

    /// Whether it is a pair of a private and a public key.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        self.modulus_len().is_some() || matches!(self, Self::EcP256 | Self::EcP256K | Self::EcSm2)
    }

    /// Whether a key of this spec can serve `usage`. Source: keys.md §3.2.
    #[must_use]
    pub const fn can(self, usage: KeyUsage) -> bool {
        match usage {
            KeyUsage::EncryptDecrypt => matches!(
                self,
                Self::Aes256
                    | Self::Aes192
                    | Self::Aes128
                    | Self::Sm4
                    | Self::Rsa2048
                    | Self::Rsa3072
                    | Self::Rsa4096
                    | Self::EcSm2
            ),
            KeyUsage::SignVerify => matches!(
                self,
                Self::Rsa2048
                    | Self::Rsa3072
                    | Self::Rsa4096
                    | Self::EcP256
                    | Self::EcP256K
                    | Self::EcSm2
            ),
            KeyUsage::GenerateVerify => matches!(
                self,
                Self::HmacSm3
                    | Self::HmacSha224
                    | Self::HmacSha256
                    | Self::HmacSha384
                    | Self::HmacSha512
            ),
        }
    }

    /// The usage of a key that names none: signing where the spec can. Source: keys.md §3.2.
    #[must_use]
    pub const fn default_usage(self) -> KeyUsage {
        if self.can(KeyUsage::SignVerify) {
            KeyUsage::SignVerify
        } else if self.can(KeyUsage::GenerateVerify) {
            KeyUsage::GenerateVerify
        } else {
            KeyUsage::EncryptDecrypt
        }
    }
}

words! {
    /// What a key is for; one key has one usage. Source: keys.md §3.2; the last is inferred there.
    KeyUsage {
        /// Encrypting and decrypting.
        EncryptDecrypt = "ENCRYPT/DECRYPT",
        /// Signing and verifying.
        SignVerify = "SIGN/VERIFY",
        /// Making and checking message authentication codes.
        GenerateVerify = "GENERATE/VERIFY",
    }
}

words! {
    /// Where a key is in its life. Source: keys.md §5.
    KeyState {
        /// Usable.
        Enabled = "Enabled",
        /// Switched off.
        Disabled = "Disabled",
        /// Waiting for its deletion date.
        PendingDeletion = "PendingDeletion",
        /// Waiting for material.
        PendingImport = "PendingImport",
        /// Its instance expired or was released.
        Unavailable = "Unavailable",
    }
}

words! {
    /// Where a key's material comes from. Source: keys.md §4.
    Origin {
        /// Made here.
        Kms = "Aliyun_KMS",
        /// Imported by its owner.
        External = "EXTERNAL",
    }
}

words! {
    /// What guards a key's material. Source: keys.md §3.1.
    ProtectionLevel {
        /// This program.
        Software = "SOFTWARE",
        /// A hardware security module.
        Hsm = "HSM",
    }
}

words! {
    /// Whether a key rotates by itself. Source: keys.md §4, §8.3.
    AutomaticRotation {
        /// It does.
        Enabled = "Enabled",
        /// It does not.
        Disabled = "Disabled",
        /// It would, but for the key's state.
        Suspended = "Suspended",
    }
}

words! {
    /// Who made a key. Source: keys.md §3.1, §6.3.
    CreatorType {
        /// A person or a program of the account.
        User = "User",
        /// The service itself, for a product.
        Service = "Service",
    }
}

/// A key: everything but its material, which is in its versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Its owner.
    pub account: AccountId,
    /// The instance it lives in; `None` is a default key.
    pub instance: Option<InstanceId>,
    /// What it is made of.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// What guards it.
    pub protection: ProtectionLevel,
    /// Its state.
    pub state: KeyState,
    /// Who made it.
    pub creator: CreatorType,
    /// Free text, at most 8192 characters.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// The version that encrypts; `None` before an import.
    pub primary: Option<KeyVersionId>,
    /// When its newest version was made.
    pub last_rotation: Option<Timestamp>,
    /// Seconds between automatic rotations; `None` is no automatic rotation.
    pub rotation_seconds: Option<i64>,
    /// When it will be deleted: set in `PendingDeletion` alone.
    pub delete_at: Option<Timestamp>,
    /// Why it must not be deleted; `None` is no deletion protection.
    pub deletion_protection: Option<String>,
    /// When its imported material expires.
    pub material_expires: Option<Timestamp>,
    /// Its key policy as submitted; `None` is the default one.
    pub policy: Option<String>,
}

/// One version of a key, its material sealed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyVersion {
    /// Its id.
    pub id: KeyVersionId,
    /// The key it belongs to.
    pub key: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// The material, sealed by the wrapping key of the key's account and instance. Empty: it was
    /// imported and then deleted.
    pub sealed: Vec<u8>,
    /// Tells whether other material is the same: kept for what was imported, also when it is gone.
    pub fingerprint: Option<Vec<u8>>,
}

/// A name bound to a key of the same account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alias {
    /// Its owner.
    pub account: AccountId,
    /// The name.
    pub name: AliasName,
    /// The key.
    pub key: KeyId,
    /// When it was made.
    pub created: Timestamp,
}

impl Key {
    /// An enabled key of AES-256, without a version yet, as the service makes them by itself.
    #[must_use]
    pub fn aes_256(
        id: KeyId,
        account: AccountId,
        instance: Option<InstanceId>,
        creator: CreatorType,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            instance,
            spec: KeySpec::Aes256,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::Kms,
            protection: ProtectionLevel::Software,
            state: KeyState::Enabled,
            creator,
            description: String::new(),
            created: now,
            primary: None,
            last_rotation: None,
            rotation_seconds: None,
            delete_at: None,
            deletion_protection: None,
            material_expires: None,
            policy: None,
        }
    }
}

/// An interval as the API writes it, in seconds: an integer and one of `d`, `h`, `m`, `s`.
///
/// Source: keys.md §8.2, secrets.md §6.7. The bounds differ by use and are the caller's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interval(pub i64);

impl std::str::FromStr for Interval {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let unit = match raw.as_bytes().last() {
            Some(b'd') => 86_400,
            Some(b'h') => 3_600,
            Some(b'm') => 60,
            Some(b's') => 1,
            _ => return Err(Invalid),
        };
        let digits = &raw[..raw.len() - 1];
        if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return Err(Invalid);
        }
        let count: i64 = digits.parse().map_err(|_| Invalid)?;
        Ok(Self(count * unit))
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, KeySpec, KeyUsage};
    use crate::ids::Invalid;

    #[test]
    fn a_spec_without_a_usage_signs_where_it_can() {
        assert_eq!(KeySpec::Rsa2048.default_usage(), KeyUsage::SignVerify);
        assert_eq!(KeySpec::Aes256.default_usage(), KeyUsage::EncryptDecrypt);
        for spec in KeySpec::ALL {
            assert!(spec.can(spec.default_usage()), "{spec}");
        }
    }

    #[test]
    fn an_interval_is_a_whole_number_and_one_small_letter() {
        for (raw, expected) in
            [("7d", Ok(604_800)), ("168h", Ok(604_800)), ("604800s", Ok(604_800))]
        {
            assert_eq!(raw.parse().map(|Interval(it)| it), expected, "{raw}");
        }
        for raw in ["", "d", "7", "7D", "1w", "-1d", "1.5d", "7 d", "+7d", "9999999999s", "七d"] {
            assert_eq!(raw.parse::<Interval>(), Err(Invalid), "{raw}");
        }
    }
}
