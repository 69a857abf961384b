"""Writes the Parquet files of parquet_test.ts by PyArrow. usage: python3 parquet.py (in this folder)"""

import pyarrow as pa
import pyarrow.parquet as pq

rows = 7
table = pa.table(
    {
        "id": [f"r{i}" for i in range(rows)],
        "length": pa.array([0.5 * i for i in range(rows)], pa.float64()),
        "count": pa.array([10 * i - 20 for i in range(rows)], pa.int64()),
        "small": pa.array([0.25 * i for i in range(rows)], pa.float16()),
        "is big": pa.array([i > 3 for i in range(rows)]),
        "gap": pa.array([None if i == 2 else i for i in range(rows)], pa.int32()),
        "colour": pa.array(["red", "blue", "red", None, "blue", "red", "green"]).dictionary_encode(),
        "code": pa.array([[i, i + 0.5, -i] for i in range(rows)], pa.list_(pa.float32())),
        "kind": pa.array(["a", "b"] * 3 + ["a"]),
        "day": pa.array([86400 * i for i in range(rows)], pa.timestamp("s")),
        "ragged": pa.array([[1.0] * (1 + i % 2) for i in range(rows)], pa.list_(pa.float64())),
        "large": pa.array([2**53 + i for i in range(rows)], pa.int64()),
    }
)
pq.write_table(table, "table.parquet", row_group_size=3, compression="zstd")
for compression in ["none", "snappy", "gzip", "brotli", "lz4"]:
    some = table.select(["length", "count", "code"])
    pq.write_table(some, f"{compression}.parquet", row_group_size=4, compression=compression)

# Numbers in every encoding, with checksums: what the fuzz test damages.
count = 40
numbers = {
    "few": pa.array([[1.5, -2.0, 7.25][i % 3] for i in range(count)], pa.float64()),
    "gaps": pa.array([None if i % 7 == 3 else i * i for i in range(count)], pa.int32()),
    "all gaps": pa.array([None] * count, pa.float64()),
    "steps": pa.array([1000 + 3 * i - i % 5 for i in range(count)], pa.int64()),
    "split": pa.array([0.1 * i for i in range(count)], pa.float32()),
    "truth": pa.array([i % 11 < 6 for i in range(count)]),
    "pairs": pa.array([[i, None if i == 9 else -i] for i in range(count)], pa.list_(pa.int16())),
}
encodings = {
    "gaps": "DELTA_BINARY_PACKED",
    "steps": "DELTA_BINARY_PACKED",
    "split": "BYTE_STREAM_SPLIT",
    "truth": "RLE",
}
for version in ["1.0", "2.0"]:
    pq.write_table(
        pa.table(numbers),
        f"pages{version[0]}.parquet",
        row_group_size=25,
        use_dictionary=["few"],
        column_encoding=encodings,
        data_page_version=version,
        compression={"few": "zstd", "gaps": "none", "steps": "gzip", "split": "snappy"},
        write_page_checksum=version == "2.0",
    )
