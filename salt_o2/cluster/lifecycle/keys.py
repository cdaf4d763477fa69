"""Keys of the master and its minions, created and accepted before any daemon starts.

So no minion has to ask, be refused and ask again, which is most of the time of a first start. File names
and format are Salt's own (`salt/crypt.py`: PEM, traditional, no password).
"""

from pathlib import Path

from salt_o2.cluster.paths import Layout

KEY_BITS = 2048


def prepare_keys(layout: Layout, minions: tuple[str, ...]) -> None:
    """Ensure that master and minions have key pairs and know each other's public keys."""
    master = layout.keys("master")
    _ensure_pair(master, "master")
    for minion in minions:
        own = layout.keys(minion)
        _ensure_pair(own, "minion")
        _copy(own / "minion.pub", master / "minions" / minion)
        _copy(master / "master.pub", own / "minion_master.pub")


def _ensure_pair(folder: Path, name: str) -> None:
    if (folder / f"{name}.pem").exists():
        return
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / f"{name}.pub").write_bytes(public.strip())
    (folder / f"{name}.pem").touch(mode=0o600)
    (folder / f"{name}.pem").write_bytes(private)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
