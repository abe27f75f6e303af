//! Signatures by aws-lc-rs and nothing else: the library's own rate, and what the bare server makes.

use std::{sync::LazyLock, time::Duration};

use anyhow::Context as _;
use aws_lc_rs::{
    digest::{Digest, SHA256},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::{
    load::{Round, now},
    paired::Measured,
    server::{Cores, cpu_of_this_thread},
};

/// Made when they are first used: most bare servers sign nothing.
static P256: LazyLock<Option<EcdsaKeyPair>> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok());
static RSA_2048: LazyLock<Option<RsaKeyPair>> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).ok());

/// The signature of a digest of 32 bytes by a P-256 key, DER.
pub(crate) fn sign_p256(digest: &[u8]) -> Option<Vec<u8>> {
    let digest = Digest::import_less_safe(digest, &SHA256).ok()?;
    Some(P256.as_ref()?.sign_digest(&digest).ok()?.as_ref().to_vec())
}

/// The signature of a digest of 32 bytes by an RSA key of 2,048 bits, PKCS#1 v1.5.
pub(crate) fn sign_rsa_2048(digest: &[u8]) -> Option<Vec<u8>> {
    let digest = Digest::import_less_safe(digest, &SHA256).ok()?;
    let mut signature = vec![0; 256];
    RSA_2048.as_ref()?.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).ok()?;
    Some(signature)
}

/// A plain loop of RSA signatures on the servers' core.
pub(crate) struct RsaLoop(pub(crate) Cores);

impl Measured for RsaLoop {
    async fn round(&mut self, count: usize) -> anyhow::Result<(Round, Duration)> {
        self.0.on_servers(|| looped(count))?
    }
}

fn looped(count: usize) -> anyhow::Result<(Round, Duration)> {
    let mut round = Round::default();
    let (before, start) = (cpu_of_this_thread()?, now());
    for _ in 0..count {
        let each = now();
        sign_rsa_2048(&[7; 32]).context("the library does not sign")?;
        round.waits.push(each.elapsed());
    }
    round.took = start.elapsed();
    Ok((round, cpu_of_this_thread()?.saturating_sub(before)))
}
