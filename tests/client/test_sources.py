"""Files are judged before they are parsed, and no failure shows what is in them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.claims.sources.limits import Limits
from client.claims.sources.opening import open_source
from client.claims.sources.pages import uncompressed_size
from client.claims.sources.source import ClaimSource
from common.errors import InputError, SourceError
from tests.client.tables import ingest, text_table, wide_row, write_csv, write_parquet

ROWS = [wide_row(number) for number in range(100)]
VALUE = "4711secret"


def _read(path: Path, limits: Limits | None = None) -> list[dict[str, object]]:
    source = open_source(path, limits)
    return [row for batch in source.batches(source.schema_names) for row in batch.to_pylist()]


def _refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        _read(path, limits)
    assert VALUE not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.fixture(params=["csv", "parquet"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[dict[str, object]]], Path]:
    """Writes rows as a file of one of the two kinds."""
    kind = {"csv": write_csv, "parquet": write_parquet}[request.param]
    return lambda rows: kind(tmp_path / f"claims.{request.param}", rows)


def test_a_source_can_be_read_twice_and_yields_the_same_rows(write: Callable[..., Path]) -> None:
    source = open_source(write(ROWS))
    columns = ("setl_id", "diag_code")
    first, second = ([batch.to_pylist() for batch in source.batches(columns)] for _ in range(2))
    assert first == second
    assert [row for batch in first for row in batch] == [{name: row[name] for name in columns} for row in ROWS]


def test_only_the_asked_columns_are_read(write: Callable[..., Path]) -> None:
    batches = list(open_source(write(ROWS)).batches(["psn_no"]))
    assert [batch.schema.names for batch in batches] == [["psn_no"]]


def test_a_missing_column_is_refused_by_name(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="'diag'"):
        list(open_source(write(ROWS)).batches(["diag"]))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        open_source(tmp_path / "none.parquet")


@pytest.mark.parametrize("name", ["claims.csv", "claims.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert "is empty" in _refusal(path)


def test_a_file_larger_than_the_limit_is_refused(write: Callable[..., Path]) -> None:
    path = write(ROWS)
    assert "more than the limit of 100" in _refusal(path, Limits(file_bytes=100))


def test_more_rows_than_the_limit_are_refused(write: Callable[..., Path]) -> None:
    path = write(ROWS)
    assert "99" in _refusal(path, Limits(rows=99))


def test_more_columns_than_the_limit_are_refused(write: Callable[..., Path]) -> None:
    path = write(ROWS)
    assert "columns, the limit is 2" in _refusal(path, Limits(columns=2))


def test_compressed_files_are_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(gzip.compress(b"0" * 1_000_000))
    assert "unpack it first" in _refusal(path)


def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    path.write_bytes(b"SQLite format 3\0" + bytes(100))
    assert "neither Parquet nor" in _refusal(path)


# Parquet


def _parquet(tmp_path: Path, table: pa.Table, **options: object) -> Path:
    path = tmp_path / "made.parquet"
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize("kept", [4, 8, 12, 1_000, -1])
def test_a_truncated_parquet_is_refused(tmp_path: Path, kept: int) -> None:
    path = write_parquet(tmp_path / "claims.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:kept])
    assert "not a whole Parquet file" in _refusal(path)


def test_a_parquet_with_a_wrong_tail_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "claims.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-4] + b"PAR2")
    assert "not a whole Parquet file" in _refusal(path)


def test_a_parquet_whose_footer_is_too_large_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "claims.parquet", ROWS)
    assert "footer" in _refusal(path, Limits(footer_bytes=100))


def test_a_parquet_with_damaged_pages_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a": [f"{VALUE}{number}" for number in range(10_000)]})
    path = _parquet(tmp_path, table, compression="snappy")
    data = bytearray(path.read_bytes())
    data[50:5_000] = bytes(byte ^ 0x5A for byte in data[50:5_000])
    path.write_bytes(data)
    assert "damaged" in _refusal(path)


def test_too_many_row_groups_are_refused(tmp_path: Path) -> None:
    path = _parquet(tmp_path, text_table(ROWS), row_group_size=10)
    assert "row groups, the limit is 9" in _refusal(path, Limits(row_groups=9))


def test_a_row_group_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = _parquet(tmp_path, text_table(ROWS))
    assert "bytes in one row group" in _refusal(path, Limits(row_group_bytes=1_000))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": 1}]),
        pa.array([[1]]),
        pa.array([[["a"]]]),
        pa.array([b"\x01"]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=["struct", "list of numbers", "list of lists", "binary", "map"],
)
def test_a_nested_or_binary_column_is_refused_when_it_is_asked_for(tmp_path: Path, column: pa.Array) -> None:
    path = _parquet(tmp_path, pa.table({"odd": column, "fine": ["a"]}))
    assert "which claims never have" in _refusal(path)
    assert list(open_source(path).batches(["fine"]))


def _varint(number: int) -> bytes:
    """A signed integer as the Thrift compact protocol writes it."""
    zigzag, out = number << 1, b""
    while zigzag >= 128:
        out, zigzag = out + bytes([zigzag & 127 | 128]), zigzag >> 7
    return out + bytes([zigzag])


def _claim_ten_gigabytes(path: Path) -> int:
    """Make the footer claim that the only column takes 10 GB uncompressed; nothing else is changed."""
    honest, ten_gigabytes = pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size, 10 * 10**9
    data = path.read_bytes()
    length = struct.unpack("<I", data[-8:-4])[0]
    body, footer = data[: -8 - length], data[-8 - length : -8]
    assert _varint(honest) in footer
    footer = footer.replace(_varint(honest), _varint(ten_gigabytes))
    path.write_bytes(body + footer + struct.pack("<I", len(footer)) + b"PAR1")
    return ten_gigabytes


def test_a_parquet_that_claims_a_dictionary_of_ten_gigabytes_is_refused(tmp_path: Path) -> None:
    path = _parquet(tmp_path, pa.table({"code": [f"{VALUE}{number}" for number in range(3_000)]}), compression="zstd")
    assert len(_read(path)) == 3_000
    claimed = _claim_ten_gigabytes(path)
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size == claimed
    assert f"claims {claimed} bytes in one column" in _refusal(path)


def test_a_small_parquet_that_unpacks_to_a_huge_dictionary_is_refused_unread(tmp_path: Path) -> None:
    """A real bomb: one value of 100 MB of zeros, a file of a few kilobytes."""
    path = _parquet(tmp_path, pa.table({"code": ["0" * 100_000_000]}), compression="zstd")
    assert path.stat().st_size < 100_000
    before = pa.total_allocated_bytes()
    assert "bytes in one dictionary" in _refusal(path)
    assert pa.total_allocated_bytes() - before < 10_000_000


def test_a_dictionary_page_larger_than_the_footer_admits_is_refused(tmp_path: Path) -> None:
    """Footer and page header are written separately; each is held against the limits."""
    path = _parquet(tmp_path, pa.table({"code": ["0" * 20_000_000]}), compression="zstd")
    assert "bytes in one dictionary" in _refusal(path, Limits(dictionary_bytes=10_000_000))


@given(st.binary(max_size=64))
def test_any_page_header_is_read_or_refused(header: bytes) -> None:
    assert isinstance(uncompressed_size(header), int)


def test_the_page_header_of_a_known_page_is_read() -> None:
    """Field 1 (i32) = 2 (dictionary page), field 2 (i32) = 300, worked out by hand from the compact protocol."""
    assert uncompressed_size(bytes([0x15, 0x04, 0x15, 0xD8, 0x04])) == 300
    assert uncompressed_size(bytes([0x15, 0x04, 0x25, 0xD8, 0x04])) == -1


# CSV


def _csv(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "claims.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n4711secret\n",
        b"a,b\n1,2\n1,2,4711secret\n",
        b'a,b\n"4711secret,2\n',
        b"a,b\n1,\xff4711secret\n",
        "a,b\n1,高血压4711secret\n".encode("gbk"),
        b"a,b\n1,2\0" + b"4711secret\n",
        "a,b\n1,4711secret\n".encode("utf-16"),
    ],
    ids=["short row", "long row", "open quote", "not UTF-8", "GBK", "NUL byte", "UTF-16"],
)
def test_an_irregular_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    _refusal(_csv(tmp_path, content))


@pytest.mark.parametrize("header", [b"\n1,2\n", b"a,a\n1,2\n", b"\xff\xfe,b\n1,2\n", b'"a,b\n', b"\r\n"])
def test_a_csv_without_a_usable_header_is_refused(tmp_path: Path, header: bytes) -> None:
    _refusal(_csv(tmp_path, header))


def test_a_csv_field_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = _csv(tmp_path, b"a,b\n1," + b"x" * 101 + b"\n")
    assert "a field of 101 bytes" in _refusal(path, Limits(field_bytes=100))


def test_a_csv_line_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = _csv(tmp_path, b"a,b\n" + b"1,2\n" * 10 + b"1," + b"x" * 10_000 + b"\n")
    _refusal(path, Limits(line_bytes=1_000))


def test_a_csv_with_a_byte_order_mark_and_quotes_is_read(tmp_path: Path) -> None:
    path = _csv(tmp_path, b'\xef\xbb\xbfa,"b c"\r\n"x,1",\r\n')
    assert _read(path) == [{"a": "x,1", "b c": None}]


def test_a_csv_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert _read(_csv(tmp_path, b"a,b\n")) == []


def test_a_csv_cell_stays_text(tmp_path: Path) -> None:
    assert _read(_csv(tmp_path, b"a,b\n007,nan\n")) == [{"a": "007", "b": "nan"}]


_BYTES = st.binary(max_size=300)
_LINES = st.lists(st.text(st.sampled_from('0123456789.,-"\n\r\t ax=\0é１'), max_size=30), max_size=8).map(
    lambda lines: "\n".join(lines).encode()
)
_CELLS = st.lists(st.binary(max_size=12), min_size=4, max_size=4).map(lambda cells: b",".join(cells) + b"\n")
_HEADER = b"setl_id,psn_no,diag_code,medfee_sumamt\n"


@settings(
    derandomize=True, max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(_BYTES, _LINES, _CELLS), st.booleans())
def test_no_csv_bytes_end_in_anything_but_an_input_error(tmp_path: Path, content: bytes, with_header: bool) -> None:  # noqa: FBT001
    path = _csv(
        tmp_path, (_HEADER if with_header else b"") + content + b"\n4711secret,4711secret,4711secret,4711secret\n"
    )
    try:
        source: ClaimSource = open_source(path)
        ingest(source)
    except InputError as error:
        assert VALUE not in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["setl_id", "diag_code", "amt_09"])
def test_text_in_parquet_that_is_not_utf8_is_refused_as_damaged_and_not_shown(tmp_path: Path, name: str) -> None:
    path = write_parquet(tmp_path / "claims.parquet", [wide_row(1, **{name: VALUE})])
    path.write_bytes(path.read_bytes().replace(VALUE.encode(), b"\xe7" + VALUE.encode()[1:]))
    assert "damaged" in _refusal(path)
