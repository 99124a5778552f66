import gzip
import io
import os
import threading
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinch_reporting import InvalidRequestError, Number, Username
from sinch_reporting.export import RejectedLine, read_endpoints

ONE, TWO, SIX = "+46730170101", "+46730170102", "+46730170106"


def read(source, **options):
    """Return the endpoints, the rejected lines as (line, reason), and what was chosen."""
    chosen = []
    found = list(read_endpoints(source, on_choice=chosen.append, **options))
    endpoints = [each for each in found if not isinstance(each, RejectedLine)]
    rejected = [(each.line, each.reason) for each in found if isinstance(each, RejectedLine)]
    return endpoints, rejected, " ".join(chosen)


def numbers(*values):
    return [Number(value) for value in values]


def cell(value):
    return f"<c t='inlineStr'><is><t>{value}</t></is></c>" if isinstance(value, str) else f"<c><v>{value}</v></c>"


def workbook(rows):
    """Return an Excel file."""
    cells = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
        "<Default Extension='xml' ContentType='application/xml'/></Types>",
        "_rels/.rels": f"<Relationships xmlns='{packages}'>"
        f"<Relationship Id='a' Type='{relations}/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{main}' xmlns:r='{relations}'>"
        "<sheets><sheet name='Customers' sheetId='1' r:id='a'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{packages}'>"
        f"<Relationship Id='a' Type='{relations}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{main}'><sheetData>{cells}</sheetData></worksheet>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def zipped(*members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def parquet(**columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


PLAIN = f"{ONE}\n{TWO}\n".encode()
READABLE = {
    "lines": PLAIN,
    "no end of line": PLAIN[:-1],
    "empty lines": f"\n{ONE}\n\n{TWO}\n\n".encode(),
    "one column with a header": f"phone_number\n{ONE}\n{TWO}\n".encode(),
    "semicolons, another language": f"Name;Telefon\r\nAnna;{ONE}\r\nBo;{TWO}\r\n".encode(),
    "pipes": f"id|MSISDN|x\n1|{ONE}|y\n2|{TWO}|z\n".encode(),
    "sep= line": f"sep=;\r\nnumber;name\r\n{ONE};anna\r\n{TWO};bo\r\n".encode(),
    "comments": f"# exported 2026-11-25\nnumber,name\n{ONE},anna\n{TWO},bo\n".encode(),
    "delimiter at the end": f"number,name\n{ONE},anna,\n{TWO},bo,\n".encode(),
    "carriage returns": f"number\r{ONE}\r{TWO}\r".encode(),
    "UTF-8 with BOM": b"\xef\xbb\xbf" + f"number,name\n{ONE},å\n{TWO},b\n".encode(),
    "UTF-16 with BOM": f"name\tPhone Number\r\nanna\t{ONE}\r\nbo\t{TWO}\r\n".encode("utf-16"),
    "UTF-16 without BOM": f"name\tPhone Number\r\nanna\t{ONE}\r\nbo\t{TWO}\r\n".encode("utf-16-le"),
    "cp1252": f"Straße,number\nHövägen 1,{ONE}\nHövägen 2,{TWO}\n".encode("cp1252"),
    "quoted": f'"number","name"\n"{ONE}","a, ""b"""\n"{TWO}","c"\n'.encode(),
    "quoted line ends": f'name,number\n"an\nna",{ONE}\n"b\n\no",{TWO}\n'.encode(),
    "surrounding whitespace": f'number\n"{ONE} "\n  {TWO}\t\n'.encode(),
    "no header, one column of numbers": f"7,{ONE}\n8,{TWO}\n".encode(),
    "empty cells at the end": f"number,name\n{ONE},a\n{TWO},b\n,\n,\n".encode(),
    "JSON lines": f'{{"name": "a", "number": "{ONE}"}}\n{{"number": "{TWO}"}}\n'.encode(),
    "JSON lines of several types": f'{{"id": 1, "msisdn": "{ONE}"}}\n\n{{"id": "x", "msisdn": "{TWO}"}}\n'.encode(),
    "Parquet": parquet(id=[1, 2], Phone=[ONE, TWO]),
    "Parquet with a dictionary": parquet(number=pa.array([ONE, TWO]).dictionary_encode()),
    "Excel": workbook([["id", "Mobile"], [1, ONE], [2, TWO]]),
    "gzip": gzip.compress(PLAIN),
    "zip": zipped(("numbers.csv", f"a,number\n1,{ONE}\n2,{TWO}\n")),
    "zip of macOS": zipped(("__MACOSX/._numbers.csv", "x"), ("numbers.csv", f"a,number\n1,{ONE}\n2,{TWO}\n")),
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE)
@pytest.mark.parametrize("how", ["path", "file", "pipe"])
def test_files_are_read_as_programs_write_them(tmp_path, content, how):
    path = tmp_path / "input"
    if how == "pipe":
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(content,))
        writer.start()
        found = read(path)
        writer.join()
    else:
        path.write_bytes(content)
        with path.open("rb") as file:
            found = read(file if how == "file" else path)
    assert found[:2] == (numbers(ONE, TWO), [])


def test_zstd_is_decompressed(tmp_path):
    with pa.CompressedOutputStream(str(tmp_path / "numbers.csv.zst"), "zstd") as file:
        file.write(PLAIN)
    assert read(tmp_path / "numbers.csv.zst")[0] == numbers(ONE, TWO)


def test_usernames_are_known_by_the_column(tmp_path):
    (tmp_path / "users.csv").write_text("login;email\nanna;a@example.com\nbo;b@example.com\n")
    endpoints, rejected, chosen = read(tmp_path / "users.csv")
    assert (endpoints, rejected) == ([Username("anna"), Username("bo")], [])
    assert chosen == "users.csv: column 'login' as usernames, delimiter ';', utf-8"


def test_the_type_may_be_a_column(tmp_path):
    text = f"endpoint,type\n{ONE},Number\nanna,username\n+4673,moon\n{TWO},username\n"
    (tmp_path / "both.csv").write_text(text)
    endpoints, rejected, _ = read(tmp_path / "both.csv")
    assert sorted(endpoints, key=repr) == sorted([Number(ONE), Username("anna"), Username(TWO)], key=repr)
    assert rejected == [(4, "the type is not 'number' or 'username'")]
    (tmp_path / "both.parquet").write_bytes(parquet(endpoint=[ONE, "anna"], type=["number", "username"]))
    assert read(tmp_path / "both.parquet")[0] == [Number(ONE), Username("anna")]


def test_usernames_of_lines(tmp_path):
    (tmp_path / "users.txt").write_text("anna\nbo;b@example.com\nclaes\n.\n")
    endpoints, rejected, _ = read(tmp_path / "users.txt", endpoint_type="username", input_format="lines")
    assert endpoints == [Username("anna"), Username("claes")]
    assert [line for line, _ in rejected] == [2, 4]
    assert "delimiter" in rejected[0][1]


SPREADSHEET = f"""number
="{ONE}"
'{TWO}
4.67302E+10
46730170103
0046730170104
+46 73 017 01 05
"{SIX} "
0730170107
+460
anna
"""


def test_without_normalization_nothing_is_guessed_and_the_reason_names_the_form(tmp_path):
    (tmp_path / "numbers.csv").write_text(f"{SPREADSHEET}\N{LEFT-TO-RIGHT MARK}{ONE}\n")
    endpoints, rejected, _ = read(tmp_path / "numbers.csv")
    assert endpoints == numbers(SIX)
    assert rejected == [
        (2, "spreadsheet notation: a formula in place of the number"),
        (3, "spreadsheet notation: a leading apostrophe"),
        (4, "spreadsheet notation: digits of the number are lost"),
        (5, "no plus sign"),
        (6, "no plus sign: 00 is not accepted in place of +"),
        (7, "spaces or punctuation in the number"),
        (9, "no plus sign: a national number, without its country code"),
        (10, "not E.164: + must be followed by 7 to 15 digits, the first not 0"),
        (11, "not a phone number in E.164: +, then 7 to 15 digits, the first not 0"),
        (12, "an invisible character in the number"),
    ]


@pytest.mark.parametrize(("region", "national"), [(True, False), ("SE", True), ("se", True)])
def test_normalization_converts_what_is_clear(tmp_path, region, national):
    (tmp_path / "numbers.csv").write_text(SPREADSHEET)
    endpoints, rejected, _ = read(tmp_path / "numbers.csv", normalize=region)
    expected = [f"+4673017010{last}" for last in (1, 2, 3, 4, 5, 6)] + ["+46730170107"] * national
    assert sorted(endpoint.value for endpoint in endpoints) == expected
    assert [line for line, _ in rejected] == [4, *([] if national else [9]), 10, 11]


def test_integers_are_numbers_without_a_plus_sign(tmp_path):
    (tmp_path / "ints.parquet").write_bytes(parquet(number=[46730170101, None, 46730170102]))
    reasons = [(1, "no plus sign"), (2, "the number is missing"), (3, "no plus sign")]
    assert read(tmp_path / "ints.parquet")[:2] == ([], reasons)
    assert read(tmp_path / "ints.parquet", normalize=True)[0] == numbers(ONE, TWO)
    floats = parquet(number=pa.array([46730170101.0, None, 46730170102.0]))
    (tmp_path / "floats.parquet").write_bytes(floats)
    assert read(tmp_path / "floats.parquet", normalize=True)[0] == numbers(ONE, TWO)
    (tmp_path / "ints.xlsx").write_bytes(workbook([["number"], [46730170101], [46730170102.0]]))
    assert read(tmp_path / "ints.xlsx", normalize=True)[0] == numbers(ONE, TWO)
    (tmp_path / "ints.jsonl").write_text('{"number": 46730170101}\n{"number": 46730170102}\n')
    assert read(tmp_path / "ints.jsonl", normalize=True)[0] == numbers(ONE, TWO)


def test_several_files_patterns_and_folders(tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.csv").write_text(f"number\n{ONE}\n")
    (tmp_path / "in/deep/b.csv.gz").write_bytes(gzip.compress(f"{TWO}\n".encode()))
    (tmp_path / "in/_ignored.csv").write_text("x")
    (tmp_path / "in/notes.doc").write_text("x")
    (tmp_path / "c.jsonl").write_text(f'{{"number": "{SIX}"}}\n')
    assert read(tmp_path / "in")[0] == numbers(ONE, TWO)
    assert read([tmp_path / "in/a.csv", str(tmp_path / "c.jsonl")])[0] == numbers(ONE, SIX)
    assert read(str(tmp_path / "in/*.csv"))[0] == numbers(ONE)
    assert read(f"file://{tmp_path}/in")[0] == numbers(ONE, TWO)
    assert read(f"file://{tmp_path}/in/a*.csv")[0] == numbers(ONE)
    for source in (tmp_path / "*.xyz", f"file://{tmp_path}/*.xyz"):
        with pytest.raises(InvalidRequestError, match="no file"):
            read(str(source))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequestError, match="contains no file to read"):
        read(tmp_path / "empty")


REFUSED = {
    "HTML": (b"<!doctype html><html><body>Please sign in</body></html>", "HTML"),
    "PDF": (b"%PDF-1.7\n\xe2\xe3", "PDF"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
    "binary": (bytes(range(256)) * 4, "binary"),
    "no known column": (b"first,last\nanna,a\nbo,b\n", "choose one of its columns: 'first', 'last'"),
    "several known columns": (f"phone,mobile\n{ONE},{TWO}\n".encode(), "choose one of its columns: 'phone', 'mobile'"),
    "two columns of numbers": (f"{ONE},{TWO}\n".encode(), "choose one of its columns"),
    "damaged gzip": (gzip.compress(PLAIN * 1000)[:-20], "damaged or not complete"),
    "damaged Parquet": (parquet(number=[ONE])[:-30], "not a Parquet file"),
    "JSON array": (f'["{ONE}"]'.encode(), "a JSON array; write a value per line"),
    "archive of two files": (zipped(("a.csv", ONE), ("b.csv", TWO)), "must contain one file, not 2"),
    "overlong line": (b"number\n" + b"7" * 3_000_000, "longer than 1 MiB"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_file_of_endpoints_is_refused(tmp_path, content, message):
    (tmp_path / "input").write_bytes(content)
    with pytest.raises(InvalidRequestError, match=message):
        read(tmp_path / "input")


def test_columns_may_be_chosen(tmp_path):
    (tmp_path / "a.csv").write_text(f"phone,mobile\n{ONE},{TWO}\n")
    assert read(tmp_path / "a.csv", column="Mobile")[0] == numbers(TWO)
    assert read(tmp_path / "a.csv", column=1)[0] == numbers(ONE)
    with pytest.raises(InvalidRequestError, match="column 'x' is not in the input; its columns: 'phone', 'mobile'"):
        read(tmp_path / "a.csv", column="x")
    with pytest.raises(InvalidRequestError, match="no column 3"):
        read(tmp_path / "a.csv", column=3)


def test_a_header_is_never_an_endpoint(tmp_path):
    (tmp_path / "a.csv").write_text(f"customers\n{ONE}\n")
    assert read(tmp_path / "a.csv")[:2] == (numbers(ONE), [])
    (tmp_path / "b.csv").write_text("number\n")
    assert read(tmp_path / "b.csv")[:2] == ([], [])


def test_malformed_records_are_rejected_and_cost_no_other(tmp_path):
    text = f'number,name\n{ONE},"open\n{TWO},bo\n{SIX}\n{SIX},a,b\n{SIX},"c"d\n+46730170103,ok\n'
    (tmp_path / "a.csv").write_text(text)
    endpoints, rejected, _ = read(tmp_path / "a.csv")
    assert sorted(each.value for each in endpoints) == [TWO, "+46730170103"]
    assert [line for line, _ in rejected] == [2, 4, 5, 6]


def test_lines_that_are_not_utf8_are_rejected_with_their_number(tmp_path):
    (tmp_path / "a.csv").write_bytes(f"{ONE}\n".encode() * 9000 + b"\xff\xfe\n" + f"{TWO}\n".encode())
    endpoints, rejected, _ = read(tmp_path / "a.csv")
    assert len(endpoints) == 9001
    assert rejected == [(9001, "the line is not UTF-8")]
    [line] = [each for each in read_endpoints(tmp_path / "a.csv") if isinstance(each, RejectedLine)]
    assert (line.text, line.source) == ("\\xff\\xfe", "a.csv")
    assert "4673" not in repr(line)


def test_line_numbers_across_blocks_and_quotes(tmp_path):
    lines = [f'"{ONE}","multi\nline"' if i % 1000 == 0 else f"{ONE},x" for i in range(100_000)]
    (tmp_path / "a.csv").write_text("number,name\n" + "\n".join(lines) + "\n0730,x\n")
    endpoints, rejected, _ = read(tmp_path / "a.csv")
    assert len(endpoints) == 100_000
    assert [line for line, _ in rejected] == [1 + 100_000 + 100 + 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_format": "xml"},
        {"endpoint_type": "moon"},
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"normalize": "XX"},
    ],
)
def test_invalid_options_are_refused(tmp_path, wrong):
    with pytest.raises(InvalidRequestError):
        read_endpoints(tmp_path / "a.csv", **wrong)
    with pytest.raises(InvalidRequestError, match="binary file"):
        list(read_endpoints(io.StringIO(ONE)))
    (tmp_path / "a.csv").write_text(ONE)
    with pytest.raises(InvalidRequestError, match="not a parquet file"):
        list(read_endpoints(tmp_path / "a.csv", input_format="parquet"))
