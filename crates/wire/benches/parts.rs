//! What checking a signature and writing an answer take. `cargo bench -p yaoku-wire`; counted by
//! `cargo xtask instructions`, which looks into `counted_<name>` alone. Each is called once before, so
//! that nothing is cold.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;
use yaoku_wire::{
    Fields,
    rpc::{Format, Request, encode_success, read},
};

criterion_group!(parts, signatures, answers);
criterion_main!(parts);

/// Reading a client's request, what it claims, and its signature.
fn signatures(criterion: &mut Criterion) {
    let (v1, v3, acs4) = (
        Sent::load("013-kms20160120-2.4.0-py-v1-create-secret-specials.json"),
        Sent::load("001-kms20160120-2.4.0-py-encrypt.json"),
        Sent::load("201-computed-acs4.json"),
    );
    for it in [&v1, &v3, &acs4] {
        it.check();
    }
    criterion.bench_function("signature_v1", |bench| bench.iter(|| counted_signature_v1(&v1)));
    criterion.bench_function("signature_v3", |bench| bench.iter(|| counted_signature_v3(&v3)));
    criterion
        .bench_function("signature_acs4", |bench| bench.iter(|| counted_signature_acs4(&acs4)));
}

/// Writing the answer of `Encrypt`.
fn answers(criterion: &mut Criterion) {
    for format in [Format::Json, Format::Xml] {
        encode(format);
    }
    criterion.bench_function("encode_json", |bench| bench.iter(counted_encode_json));
    criterion.bench_function("encode_xml", |bench| bench.iter(counted_encode_xml));
}

#[inline(never)]
fn counted_signature_v1(sent: &Sent) {
    sent.check();
}

#[inline(never)]
fn counted_signature_v3(sent: &Sent) {
    sent.check();
}

#[inline(never)]
fn counted_signature_acs4(sent: &Sent) {
    sent.check();
}

#[inline(never)]
fn counted_encode_json() {
    encode(Format::Json);
}

#[inline(never)]
fn counted_encode_xml() {
    encode(Format::Xml);
}

fn encode(format: Format) {
    let fields = Fields::default()
        .text("KeyId", "key-hzz62f1cb66fa42qo7ftz")
        .text("KeyVersionId", "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf")
        .base64("CiphertextBlob", black_box(&[7; 108]));
    let id = "4C467B38-3910-447D-87BC-AC049166F216";
    black_box(encode_success(format, "Encrypt", &fields, id).unwrap());
}

/// A request of a fixture.
struct Sent {
    target: String,
    headers: Vec<(String, String)>,
    secret: String,
}

impl Sent {
    fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/signature");
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let it: Value = serde_json::from_str(&text).unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let headers = it["headers"].as_array().unwrap();
        Self {
            target: text(&it["target"]),
            headers: headers.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
            secret: text(&it["credentials"]["access_key_secret"]),
        }
    }

    fn check(&self) {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = Request {
            method: "POST",
            target: self.target.as_bytes(),
            headers: &headers,
            body: &[],
            tls: true,
        };
        let incoming = read(black_box(&request)).unwrap();
        black_box(incoming.claim().unwrap());
        black_box(incoming.verify(self.secret.as_bytes(), &|_| false).unwrap());
    }
}
