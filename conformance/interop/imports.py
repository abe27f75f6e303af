"""Material by every wrapping algorithm, wrapped by `cryptography`, openssl or gmssl; used, so known to be the same."""

import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from lifecycle import Life, expect

from interop.ciphers import opens_ours, ours_opens_theirs
from interop.pairs import CURVES, RSA, holds, theirs
from interop.peers import HYBRID, Wrap, by_cryptography, by_gmssl, by_openssl, pkcs8, sm2_pair, sm2_verifies
from interop.scenario import create, digest, imported, raw, scenario, signed, text, with_version

RSA_WRAPPED = ("RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
THEIR_WRAPS: tuple[Wrap, ...] = (by_cryptography, by_openssl)
SIZES = {"Aliyun_AES_256": 32, "Aliyun_SM4": 16}


@scenario("ImportKeyMaterial")
def symmetric_material_under_rsa(life: Life) -> None:
    for spec, size in SIZES.items():
        for algorithm in RSA_WRAPPED:
            for wrap in THEIR_WRAPS:
                brings_a_cipher(life, spec, algorithm, wrap, secrets.token_bytes(size))


@scenario("ImportKeyMaterial")
def symmetric_material_under_sm2(life: Life) -> None:
    for spec, size in SIZES.items():
        for wrap in (by_gmssl, by_openssl):
            brings_a_cipher(life, spec, "SM2PKE", wrap, secrets.token_bytes(size))


def brings_a_cipher(life: Life, spec: str, algorithm: str, wrap: Wrap, material: bytes) -> None:
    key = create(life, KeySpec=spec, Origin="EXTERNAL")
    imported(life, key, algorithm, wrap, material)
    opens_ours(life, key, spec, material)
    ours_opens_theirs(life, key, spec, material)


@scenario("ImportKeyMaterial")
def private_keys_under_rsa_and_aes(life: Life) -> None:
    for algorithm in RSA_WRAPPED:
        for wrap in THEIR_WRAPS:
            for spec in (*RSA, *CURVES):
                key = create(life, KeySpec=spec, KeyUsage="SIGN/VERIFY", Origin="EXTERNAL")
                imported(life, key, algorithm + HYBRID, wrap, pkcs8(theirs(spec)))
                scheme, of = "RSA_PSS_SHA_256" if spec in RSA else "ECDSA_SHA_256", digest()
                signature = signed(life, with_version(life, key), scheme, of)
                expect(holds(theirs(spec).public_key(), scheme, signature, of), f"{algorithm}: {spec} is another key")


@scenario("ImportKeyMaterial")
def an_sm2_key_under_sm2_and_sm4_and_under_rsa(life: Life) -> None:
    number, form, public = sm2_pair()
    ways: list[tuple[str, Wrap, bytes]] = [("SM2PKE_SM4_ECB", wrap, number) for wrap in (by_gmssl, by_openssl)]
    ways += [(each + HYBRID, wrap, form) for each in RSA_WRAPPED for wrap in THEIR_WRAPS]
    for algorithm, wrap, material in ways:
        key = create(life, KeySpec="EC_SM2", KeyUsage="SIGN/VERIFY", Origin="EXTERNAL")
        imported(life, key, algorithm, wrap, material)
        of = digest()
        signature = signed(life, with_version(life, key), "SM2DSA", of)
        expect(sm2_verifies(public, of, signature), f"{algorithm}: another key")


@scenario("ImportKeyMaterial")
def a_private_key_of_another_kind_is_refused(life: Life) -> None:
    algorithm = "RSAES_OAEP_SHA_256" + HYBRID
    key = create(life, KeySpec="EC_P256", KeyUsage="SIGN/VERIFY", Origin="EXTERNAL")
    for wrong in (theirs("RSA_2048"), ec.generate_private_key(ec.SECP256K1()), ec.generate_private_key(ec.SECP384R1())):
        given = life.ok(
            "GetParametersForImport", KeyId=key, WrappingKeySpec="RSA_2048", WrappingAlgorithm=algorithm
        )
        refuses(life, key, given, by_cryptography, algorithm, pkcs8(wrong))
        refuses(life, key, given, by_cryptography, algorithm, b"no private key")


def refuses(life: Life, key: str, given: dict[str, str], wrap: Wrap, algorithm: str, material: bytes) -> None:
    wrapped = text(wrap(raw(given["PublicKey"]), algorithm, material))
    named = {"KeyId": key, "ImportToken": given["ImportToken"], "EncryptedKeyMaterial": wrapped}
    life.refused("InvalidKeyMaterial", 400, "ImportKeyMaterial", **named)
