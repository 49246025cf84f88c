"""Ed25519 in plain Python, after RFC 8032, section 6. Slow, and not safe against timing: for test vectors only."""

import hashlib

p = 2**255 - 19
q = 2**252 + 27742317777372353535851937790883648493
d = -121665 * pow(121666, -1, p) % p


def sha512(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def add(P, Q):
    A, B = (P[1] - P[0]) * (Q[1] - Q[0]) % p, (P[1] + P[0]) * (Q[1] + Q[0]) % p
    C, D = 2 * P[3] * Q[3] * d % p, 2 * P[2] * Q[2] % p
    E, F, G, H = B - A, D - C, D + C, B + A
    return E * F % p, G * H % p, F * G % p, E * H % p


def multiply(s, P):
    Q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            Q = add(Q, P)
        P = add(P, P)
        s >>= 1
    return Q


def x_of(y, sign):
    x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(x2, (p + 3) // 8, p)
    if (x * x - x2) % p != 0:
        x = x * pow(2, (p - 1) // 4, p) % p
    return p - x if x & 1 != sign else x


g_y = 4 * pow(5, -1, p) % p
g_x = x_of(g_y, 0)
G = (g_x, g_y, 1, g_x * g_y % p)


def compress(P):
    z = pow(P[2], -1, p)
    x, y = P[0] * z % p, P[1] * z % p
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return a, h[32:]


def public(seed):
    return compress(multiply(expand(seed)[0], G))


def sign(seed, message):
    a, prefix = expand(seed)
    A = compress(multiply(a, G))
    r = sha512(prefix + message) % q
    R = compress(multiply(r, G))
    return R + ((r + sha512(R + A + message) % q * a) % q).to_bytes(32, "little")


# RFC 8032, section 7.1, test 1
_seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
assert public(_seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
assert sign(_seed, b"").hex() == (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
