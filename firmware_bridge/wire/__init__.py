"""Bytes on the cable: framing, headers and CBOR. No I/O, no clock."""
