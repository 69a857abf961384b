"""Reads files of other programs' formats by their specifications, with Python's library alone.

usage: read.py safetensors FILE    tensors by name: type, shape, sum of the elements in float64
       read.py events FILE         TensorBoard's records, their checksums checked: wall time, step, scalars
"""
import json
import struct
import sys


def safetensors(data):
    """https://huggingface.co/docs/safetensors: the checks of the Rust reader behind Python's package."""
    (length,) = struct.unpack("<Q", data[:8])
    assert length <= 100_000_000, "the header is too long"
    assert data[8:9] == b"{", "the header does not begin with {"
    header = json.loads(data[8 : 8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in metadata.values()), "metadata must be texts"
    body = data[8 + length :]
    kinds = {"F32": "f", "F64": "d", "U32": "I"}
    end = 0
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        assert begin == end, f"{name} leaves a gap"
        kind = kinds[entry["dtype"]]
        count = 1
        for extent in entry["shape"]:
            count *= extent
        assert stop - begin == count * struct.calcsize(kind), f"{name} is of another size"
        values = struct.unpack(f"<{count}{kind}", body[begin:stop])
        tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "sum": sum(values)}
        end = stop
    assert end == len(body), "bytes follow the tensors"
    return tensors


def crc32c(data):
    """CRC-32C (RFC 3720, appendix B.4), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    """As tensorflow/core/lib/hash/crc32c.h masks it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def fields(data):
    """The fields of a protocol buffer: number and value."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            assert kind == 2, f"wire type {kind}"
            size = varint()
        yield key >> 3, data[at : at + size]
        at += size


def events(data):
    """TFRecords of event.proto's Event."""
    at = 0
    found = []
    while at < len(data):
        head = data[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        assert struct.unpack("<I", data[at + 8 : at + 12])[0] == masked(head), "CRC of the length"
        body = data[at + 12 : at + 12 + length]
        (crc,) = struct.unpack("<I", data[at + 12 + length : at + 16 + length])
        assert crc == masked(body), "CRC of the data"
        at += 16 + length
        event = {"step": 0, "scalars": {}}
        for field, value in fields(body):
            if field == 1:
                (event["wallTime"],) = struct.unpack("<d", value)
            elif field == 2:
                event["step"] = value
            elif field == 3:
                event["version"] = value.decode()
            elif field == 5:
                for number, part in fields(value):
                    assert number == 1
                    scalar = dict(fields(part))
                    (event["scalars"][scalar[1].decode()],) = struct.unpack("<f", scalar[2])
        found.append(event)
    return found


assert crc32c(b"123456789") == 0xE3069283, "the check value of CRC-32C"
with open(sys.argv[2], "rb") as file:
    print(json.dumps({"safetensors": safetensors, "events": events}[sys.argv[1]](file.read())))
