import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinch_reporting import InvalidRequestError, Number, Username
from sinch_reporting.export import RejectedLine, read_endpoints

FIRST, SECOND = Number("+46730170101"), Number("+46730170102")


def read(text, **options):
    content = text if isinstance(text, bytes) else text.encode()
    return list(read_endpoints(io.BytesIO(content), **options))


def rejected(items):
    return [(item.line, item.text) for item in items if isinstance(item, RejectedLine)]


def test_plain_lines_are_numbers_unless_told_otherwise():
    assert read("+46730170101\n\n+46730170102\r\n") == [FIRST, SECOND]
    assert read("anna\n+46730170101", endpoint_type="username") == [Username("anna"), Username("+46730170101")]


def test_a_malformed_line_is_set_aside_with_its_number_and_the_others_are_read():
    items = read(b"+46730170101\n\n0730170101\n\xff\xfe+4\n +46730170101\n+46730170102")
    assert items[0] == FIRST
    assert items[-1] == SECOND
    assert rejected(items) == [(3, "0730170101"), (4, "\\xff\\xfe+4"), (5, " +46730170101")]
    assert "0730170101" not in repr(items)


def test_an_overlong_line_is_not_read_whole():
    (first, second) = read(b"9" * 10_000_000 + b"\n+46730170102\n")
    assert first.line == 1
    assert len(first.text) <= 65537
    assert second == SECOND


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read("\ufeff+46730170101\n") == [FIRST]
    with pytest.raises(InvalidRequestError, match="UTF-16"):
        read("+46730170101\n".encode("utf-16"))


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("+46730170101\n+46730170102\n", {}, [FIRST, SECOND]),
        ("number\n+46730170101\n", {}, [FIRST]),
        ("id,number\n7,+46730170101\n", {}, [FIRST]),
        ("username,age\nanna,7\n", {}, [Username("anna")]),
        ("endpoint,type\n+46730170101,number\nanna,username\n", {}, [FIRST, Username("anna")]),
        ("endpoint\n+46730170101\n", {}, [FIRST]),
        ("endpoint\nanna\n", {"endpoint_type": "username"}, [Username("anna")]),
        ("name,phone\nanna,+46730170101\n", {"column": "phone"}, [FIRST]),
        ("anna,+46730170101\nbo,+46730170102\n", {"column": 2}, [FIRST, SECOND]),
        ("name;number\nanna;+46730170101\n", {"delimiter": ";"}, [FIRST]),
        ('number,note\n+46730170101,"a ""b"",\nc"\n"+46730170102",d\n', {}, [FIRST, SECOND]),
    ],
)
def test_the_columns_of_csv_tell_what_the_endpoints_are(text, options, expected):
    assert read(text, input_format="csv", **options) == expected


def test_a_header_that_is_no_known_name_is_set_aside_where_there_is_one_column():
    items = read("phones\n+46730170101\n", input_format="csv")
    assert rejected(items) == [(1, "phones")]
    assert items[1:] == [FIRST]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n1,2\n", {}),
        ("number,username\n+46730170101,anna\n", {}),
        ("a,b\n1,2\n", {"column": "c"}),
        ("a,b\n1,2\n", {"column": 3}),
        ("a,b\n1,2\n", {"column": 0}),
        ("a,a\n1,2\n", {"column": "a"}),
    ],
)
def test_columns_that_do_not_tell_are_refused(text, options):
    with pytest.raises(InvalidRequestError, match="column"):
        read(text, input_format="csv", **options)


def test_an_unclosed_quote_costs_one_line():
    items = read('number,note\n"+46730170101,a\n+46730170102,b\n+46730170101,"c"\n', input_format="csv")
    assert rejected(items) == [(2, '"+46730170101,a')]
    assert items[1:] == [SECOND, FIRST]


def test_a_line_with_another_number_of_fields_is_set_aside():
    items = read("number,note\n+46730170101\n+46730170102,b\n", input_format="csv")
    assert rejected(items) == [(2, "+46730170101")]
    assert items[1:] == [SECOND]


def test_an_unknown_type_is_set_aside():
    items = read("endpoint,type\n+46730170101,fax\n", input_format="csv")
    assert rejected(items) == [(2, "+46730170101,fax")]


def table(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_is_read_from_files_folders_and_pipes(tmp_path):
    one = table(tmp_path / "one.parquet", number=["+46730170101", None, "7"])
    table(tmp_path / "two.parquet", number=["+46730170102"])
    table(tmp_path / "_hidden.parquet", number=["+46730170103"])
    assert rejected(read_endpoints(one)) == [(2, ""), (3, "7")]
    assert read(one.read_bytes(), input_format="parquet")[0] == FIRST
    items = list(read_endpoints(tmp_path))
    assert [item for item in items if isinstance(item, Number)] == [FIRST, SECOND]


def test_parquet_tells_the_types_by_its_columns_too(tmp_path):
    path = table(tmp_path / "a.parquet", age=[1, 2], endpoint=["anna", "+46730170101"], type=["username", "number"])
    assert list(read_endpoints(path)) == [Username("anna"), FIRST]
    coded = pa.array(["+46730170101"]).dictionary_encode()
    assert list(read_endpoints(table(tmp_path / "b.parquet", endpoint=coded))) == [FIRST]


def test_parquet_with_numbers_as_integers_is_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match="must be text"):
        list(read_endpoints(table(tmp_path / "a.parquet", number=[46730170101])))


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("+46730170101\n")
    with pytest.raises(InvalidRequestError, match="no Parquet file"):
        list(read_endpoints(tmp_path / "a.parquet"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequestError, match="folder"):
        list(read_endpoints(tmp_path / "empty"))


@pytest.mark.parametrize(
    "options", [{"input_format": "xml"}, {"endpoint_type": "fax"}, {"delimiter": ""}, {"delimiter": '"'}]
)
def test_a_wrong_argument_is_refused_at_once(options):
    with pytest.raises(InvalidRequestError):
        read_endpoints("numbers.csv", **options)
    with pytest.raises(InvalidRequestError, match="binary"):
        read_endpoints(io.StringIO("+46730170101"))


NUMBERS = ["+46730170101", "+46730170102", "+46730170103"]
TEXTS = st.text(st.characters(exclude_characters="\ufeff\n", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.one_of(st.sampled_from([*NUMBERS, "", '"', 'a"b', f'"{NUMBERS[2]}"', "0730", ","]), TEXTS)))
def test_no_line_is_lost_whatever_stands_in_the_file(lines):
    text = "\n".join(lines)
    assert len(read(text)) == len([line for line in lines if line.rstrip("\r")])
    items = read(text, input_format="csv", column=1)
    kept = "".join(item.text if isinstance(item, RejectedLine) else item.value for item in items)
    assert [kept.count(number) for number in NUMBERS] == [text.count(number) for number in NUMBERS]
