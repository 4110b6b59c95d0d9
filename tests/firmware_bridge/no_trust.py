"""A TrustPort for servers whose trust is not asked about."""

from firmware_bridge.wire.own import TrustState


class NoTrust:
    def state(self) -> TrustState:
        return TrustState(serial="d-1", nonce="0" * 32)

    def change(self, data: bytes) -> bool:
        raise AssertionError(f"nobody was to change trust: {data!r}")
