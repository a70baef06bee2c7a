"""Answers to the authentication plugins."""
import hashlib


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def native(password, nonce):
    if not password:
        return b""
    h1 = hashlib.sha1(password).digest()
    return _xor(h1, hashlib.sha1(nonce[:20] + hashlib.sha1(h1).digest()).digest())


def sha2_fast(password, nonce):
    if not password:
        return b""
    h1 = hashlib.sha256(password).digest()
    return _xor(h1, hashlib.sha256(hashlib.sha256(h1).digest() + nonce[:20]).digest())


def sha2_rsa(password, nonce, pem):
    """The password for a server's public key; needs the `cryptography` package."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    plain = password + b"\0"
    masked = bytes(c ^ nonce[i % 20] for i, c in enumerate(plain))
    key = serialization.load_pem_public_key(pem)
    return key.encrypt(masked, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))


def answer(plugin, password, nonce):
    if plugin == "mysql_native_password":
        return native(password, nonce)
    if plugin == "caching_sha2_password":
        return sha2_fast(password, nonce)
    if plugin == "mysql_clear_password":
        return password + b"\0"
    return b""
