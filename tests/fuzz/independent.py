"""Reads what dynae's readers have accepted with other programs, and says whether the numbers agree.

stdin: for each file its length and bytes, the rank and shape that were found, the number of values
and the values as float64; integers are uint32, all little-endian. stdout: a line for each file:
same, refused, or what differs.
"""
import csv
import gzip
import io
import struct
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")


def read_npy(data):
    array = np.load(io.BytesIO(data), allow_pickle=False)
    return array.shape, array.astype(np.float64)


def read_npz(data):
    arrays = np.load(io.BytesIO(data), allow_pickle=False)
    rows = [arrays[name] for name in arrays.files if arrays[name].ndim > 1]
    if len(rows) != 1:
        raise ValueError("not one array of rows")
    return rows[0].shape, rows[0].astype(np.float64)


def read_idx(data):
    types = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if zero != 0:
        raise ValueError("magic number")
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    array = np.frombuffer(data[4 + 4 * rank :], types[kind]).reshape(shape)
    return shape, array.astype(np.float64)


def read_gzip(data):
    array = np.frombuffer(gzip.decompress(data), np.uint8)
    return array.shape, array.astype(np.float64)


def read_png(data):
    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(data))
    image = ImageOps.exif_transpose(image)
    image.load()
    if image.mode == "P":
        image = image.convert("RGB")
    white = {"1": 1, "I;16": 65535, "I": 65535}.get(image.mode, 255)
    array = np.asarray(image).astype(np.float64) / white
    if array.ndim == 2:
        array = array[:, :, None]
    grey = array.shape[2] < 3 or (data[:4] == b"\x89PNG" and data[25] == 4)
    array = array[:, :, :1] if grey else array[:, :, :3]
    return array.shape, array


def read_parquet(data):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = []
    for column in pq.read_table(io.BytesIO(data), page_checksum_verification=True).columns:
        column = column.combine_chunks()
        rows = column.to_pylist()
        if not pa.types.is_list(column.type):
            columns.append(rows)
            continue
        lengths = {len(row) for row in rows if row is not None}
        if len(lengths) != 1:
            raise ValueError("lists of several lengths")
        for i in range(lengths.pop()):
            columns.append([None if row is None else row[i] for row in rows])
    numbers = [[np.nan if cell is None else float(cell) for cell in cells] for cells in columns]
    array = np.array(numbers, np.float64).T
    return array.shape, array


def tables(data):
    """Every way in which the text may be a table of numbers."""
    # Byte order marks are where files were put together.
    text = data.decode(errors="replace").replace("\ufeff", "")
    spaced = text.replace("\t", " ")
    for separator in [",", ";", "\t", None]:
        # Tabs about other separators are spaces.
        source = spaced if separator in [",", ";"] else text
        lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines = [line for line in lines if line.strip()]
        while lines and lines[0].lstrip().startswith("#"):
            lines.pop(0)
        try:
            if separator is None:
                rows = [[cell.strip('"') for cell in line.split()] for line in lines]
            else:
                rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            continue
        for header in [0, 1]:
            yield rows[header:]
        # As R writes them: names of the rows, and none above these.
        if len(rows) > 1 and len(rows[0]) == len(rows[1]) - 1:
            yield [row[1:] for row in rows[1:]]


READERS = {
    "npy": read_npy,
    "npz": read_npz,
    "idx": read_idx,
    "gzip": read_gzip,
    "png": read_png,
    "images": read_png,
    "parquet": read_parquet,
}


def compare_table(data, shape, values):
    for rows in tables(data):
        try:
            array = np.array([[float(cell) for cell in row] for row in rows])
        except ValueError:
            continue
        if array.shape == shape and np.array_equal(array.ravel(), values):
            return "same"
    return f"no reading by csv gives these {shape} numbers of {data[:200]!r}"


def compare(reader, data, shape, values):
    if reader == "csv":
        return compare_table(data, shape, values)
    try:
        other_shape, other = READERS[reader](data)
    except Exception as error:
        return f"refused: {error!r}"
    if reader == "images" and data[:4] != b"\x89PNG":
        # JPEG and WebP have no checksums: decoders go on behind damage as they like, also behind that
        # of the EXIF data, which turn a picture.
        turned = (other_shape[1], other_shape[0])
        return "same" if shape[:2] in [other_shape[:2], turned] else f"{shape}, {other_shape} there"
    if reader == "images" and shape[2] == 1 and other_shape[2] == 3:
        # Pictures whose pixels are all grey are read as grey.
        if np.ptp(other, axis=2).max() > 0:
            return f"grey, in colour there: {other[0, 0]}"
        other, other_shape = other[:, :, :1], shape
    if tuple(other_shape) != shape:
        return f"shape {shape}, {tuple(other_shape)} there"
    tolerance = 0
    if reader in ["png", "images"]:
        # Pillow keeps eight of sixteen bits of a colour.
        tolerance = 1 / 254 if data[:4] == b"\x89PNG" and data[24] == 16 else 1e-6
    if not np.allclose(other.ravel(), values, rtol=0, atol=tolerance, equal_nan=True):
        return f"other numbers: {values[:8]}, {other.ravel()[:8]} there"
    return "same"


def main():
    reader, stream = sys.argv[1], sys.stdin.buffer
    while head := stream.read(4):
        data = stream.read(struct.unpack("<I", head)[0])
        (rank,) = struct.unpack("<I", stream.read(4))
        shape = struct.unpack(f"<{rank}I", stream.read(4 * rank))
        (count,) = struct.unpack("<I", stream.read(4))
        values = np.frombuffer(stream.read(8 * count), np.float64)
        print(compare(reader, data, shape, values).replace("\n", " "))


main()
