"""The customer file: read whole, or refused with every problem named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.intake.customers import (
    COLUMNS,
    AssignmentRow,
    CustomerFile,
    CustomerFileError,
    CustomerRow,
    read_customers,
)

JAN = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "customer,account,resource,port_first,port_last,valid_from,valid_to"


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(tmp_path: Path, text: str | bytes) -> list[str]:
    with pytest.raises(CustomerFileError) as caught:
        read_customers(write(tmp_path, text))
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def read(tmp_path: Path, *rows: str, header: str = HEADER) -> CustomerFile:
    return read_customers(write(tmp_path, "\n".join((header, *rows))))


def test_whole_file(tmp_path: Path) -> None:
    text = (
        "customer,name,parent,account,contacts,language,vetted,resource,port_first,port_last,valid_from,valid_to\r\n"
        "acme,Acme Ltd,,,abuse@Acme.example; noc@acme.example,en,yes,192.0.2.0/26,,,2026-01-01T00:00:00Z,\r\n"
        "\r\n"
        'li,"李, 王",acme,mail,,zh,,198.51.100.1,1024,2047,2026-01-01T08:00:00+08:00,2026-02-01T00:00:00Z\r\n'
        "li,,,,,,,WWW.Shop.Example.,,,2026-01-01T00:00:00Z,\r\n"
        "plain,,,,,,,,,,,\r\n"
    )
    found = read_customers(write(tmp_path, text))
    assert found.customers == (
        CustomerRow("acme", "Acme Ltd", None, "en", vetted=True),
        CustomerRow("li", "李, 王", "acme", "zh", vetted=False),
        CustomerRow("plain", "plain", None, "en", vetted=False),
    )
    assert found.contacts == {"acme": ("abuse@acme.example", "noc@acme.example")}
    first = int.from_bytes(bytes((192, 0, 2, 0)))
    shared = int.from_bytes(bytes((198, 51, 100, 1)))
    assert found.assignments == (
        AssignmentRow("acme", "main", "192.0.2.0/26", 4, first, first + 63, None, None, JAN, None, 2),
        AssignmentRow(
            "li", "mail", "198.51.100.1", 4, shared, shared, 1024, 2047, JAN, datetime(2026, 2, 1, tzinfo=UTC), 4
        ),
        AssignmentRow("li", "main", "www.shop.example", 0, 0, 0, None, None, JAN, None, 5),
    )


def test_columns_in_any_order_and_any_case_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeffValid_From, RESOURCE ,Customer\n2026-01-01T00:00:00Z,192.0.2.1,acme\n"
    assert [
        (row.customer, row.resource, row.valid_from) for row in read_customers(write(tmp_path, text)).assignments
    ] == [("acme", "192.0.2.1", JAN)]


@pytest.mark.parametrize(
    ("text", "resource", "family", "size"),
    [
        ("192.0.2.0/24", "192.0.2.0/24", 4, 256),
        ("192.0.2.1/32", "192.0.2.1", 4, 1),
        ("192.0.2.10-192.0.2.20", "192.0.2.10-192.0.2.20", 4, 11),
        ("192.0.2.10 - 192.0.2.10", "192.0.2.10", 4, 1),
        ("2001:DB8:0::/48", "2001:db8::/48", 6, 1 << 80),
        ("2001:db8::1", "2001:db8::1", 6, 1),
        ("2001:db8::1-2001:db8::f", "2001:db8::1-2001:db8::f", 6, 15),
        ("0.0.0.0/0", "0.0.0.0/0", 4, 1 << 32),
        ("my-host.example.net", "my-host.example.net", 0, 1),
        ("bücher.example", "xn--bcher-kva.example", 0, 1),
    ],
)
def test_resource_in_normal_form(tmp_path: Path, text: str, resource: str, family: int, size: int) -> None:
    (row,) = read(tmp_path, f"acme,,{text},,,2026-01-01T00:00:00Z,").assignments
    assert (row.resource, row.family, row.last - row.first + 1) == (resource, family, size)


def test_block_of_all_ports_is_the_whole_address(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "acme,,192.0.2.1,0,65535,2026-01-01T00:00:00Z,").assignments
    assert (row.port_first, row.port_last) == (None, None)


def test_row_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    row = "acme,,192.0.2.1,,,2026-01-01T00:00:00Z,"
    assert [one.line for one in read(tmp_path, row, row).assignments] == [2]


BAD_VALUES = [
    # (name, header, row, column, what the problem says)
    ("host bits", HEADER, "acme,,192.0.2.1/24,,,2026-01-01T00:00:00Z,", "resource", "write 192.0.2.0/24 or 192.0.2.1"),
    ("prefix too long", HEADER, "acme,,192.0.2.0/33,,,2026-01-01T00:00:00Z,", "resource", "is no prefix"),
    ("octet too large", HEADER, "acme,,192.0.2.256,,,2026-01-01T00:00:00Z,", "resource", "is no prefix"),
    ("range backwards", HEADER, "acme,,192.0.2.9-192.0.2.1,,,2026-01-01T00:00:00Z,", "resource", "in order"),
    ("range of two families", HEADER, "acme,,192.0.2.9-2001:db8::1,,,2026-01-01T00:00:00Z,", "resource", "one family"),
    ("range of three", HEADER, "acme,,192.0.2.1-192.0.2.2-192.0.2.3,,,2026-01-01T00:00:00Z,", "resource", "no range"),
    ("IPv4 as IPv6", HEADER, "acme,,::ffff:192.0.2.1,,,2026-01-01T00:00:00Z,", "resource", "write 192.0.2.1/32"),
    ("zone index", HEADER, "acme,,fe80::1%eth0,,,2026-01-01T00:00:00Z,", "resource", "is no prefix"),
    ("pattern", HEADER, "acme,,*.shop.example,,,2026-01-01T00:00:00Z,", "resource", "write shop.example"),
    ("one word", HEADER, "acme,,localhost,,,2026-01-01T00:00:00Z,", "resource", "like 192.0.2.0/24 or www.example.net"),
    ("URL", HEADER, "acme,,http://shop.example/,,,2026-01-01T00:00:00Z,", "resource", "is no prefix"),
    ("naive time", HEADER, "acme,,192.0.2.1,,,2026-01-01T00:00:00,", "valid_from", "write 2026-01-01T00:00:00Z"),
    ("date alone", HEADER, "acme,,192.0.2.1,,,2026-01-01,", "valid_from", "has no zone"),
    ("no time", HEADER, "acme,,192.0.2.1,,,yesterday,", "valid_from", "ISO 8601"),
    ("time out of bounds", HEADER, "acme,,192.0.2.1,,,0001-01-01T00:00:00+08:00,", "valid_from", "ISO 8601"),
    ("no start", HEADER, "acme,,192.0.2.1,,,,", "valid_from", "write since when"),
    (
        "end before start",
        HEADER,
        "acme,,192.0.2.1,,,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z",
        "valid_to",
        "write a later time",
    ),
    ("one port", HEADER, "acme,,192.0.2.1,1024,,2026-01-01T00:00:00Z,", "port_first", "0 to 65535"),
    ("port too large", HEADER, "acme,,192.0.2.1,1024,65536,2026-01-01T00:00:00Z,", "port_first", "0 to 65535"),
    ("ports backwards", HEADER, "acme,,192.0.2.1,2047,1024,2026-01-01T00:00:00Z,", "port_first", "below port_first"),
    ("ports in other digits", HEADER, "acme,,192.0.2.1,١,٢,2026-01-01T00:00:00Z,", "port_first", "0 to 65535"),
    ("ports of a host", HEADER, "acme,,www.shop.example,1,2,2026-01-01T00:00:00Z,", "port_first", "take it out"),
    ("time without resource", HEADER, "acme,,,,,2026-01-01T00:00:00Z,", "valid_from", "fill in the column resource"),
    ("no customer", HEADER, ",,192.0.2.1,,,2026-01-01T00:00:00Z,", "customer", "write the customer's key"),
    ("slash in the key", HEADER, "a/b,,192.0.2.1,,,2026-01-01T00:00:00Z,", "customer", "without slash"),
    ("key too long", HEADER, f"{'k' * 65},,192.0.2.1,,,2026-01-01T00:00:00Z,", "customer", "1 to 64"),
    ("account with a comma", HEADER, 'acme,"a,b",192.0.2.1,,,2026-01-01T00:00:00Z,', "account", "without slash"),
    ("too few values", HEADER, "acme,,192.0.2.1", "(row)", "has 3 values where the header names 7"),
    ("too many values", HEADER, "acme,,192.0.2.1,,,2026-01-01T00:00:00Z,,,", "(row)", "has 9 values"),
    ("no mail address", "customer,contacts", "acme,abuse", "contacts", "write local@domain"),
    (
        "empty address in the list",
        "customer,contacts",
        "acme,a@b.example;;c@d.example",
        "contacts",
        "write local@domain",
    ),
    ("name beside the address", "customer,contacts", "acme,Ann <a@b.example>", "contacts", "write local@domain"),
    (
        "address with a line break",
        "customer,contacts",
        '"acme","a@b.example\nBcc: x@y.example"',
        "contacts",
        "control characters",
    ),
    (
        "too many addresses",
        "customer,contacts",
        "acme," + ";".join(f"a{n}@b.example" for n in range(21)),
        "contacts",
        "at most 20",
    ),
    ("language", "customer,language", "acme,de", "language", "write en, zh, ro"),
    ("vetted", "customer,vetted", "acme,true", "vetted", "neither yes nor no"),
    ("name too long", "customer,name", "acme," + "n" * 2001, "name", "at most 2000"),
    ("unknown parent", "customer,parent", "acme,nobody", "parent", "add a row for it"),
    ("its own parent", "customer,parent", "acme,acme", "parent", "makes a circle (acme -> acme)"),
]


@pytest.mark.parametrize(
    ("header", "row", "column", "says"), [case[1:] for case in BAD_VALUES], ids=[case[0] for case in BAD_VALUES]
)
def test_bad_value_is_named_with_file_line_column_and_advice(
    tmp_path: Path, header: str, row: str, column: str, says: str
) -> None:
    (problem,) = problems(tmp_path, f"{header}\n{row}\n")
    assert problem.startswith(f"customers.csv, line 2, column {column}: ")
    assert says in problem


BAD_FILES = [
    ("empty", "", "is no header"),
    ("blank", "\n\n", "has no column customer"),
    ("no header", "acme,192.0.2.1\n", "is no column"),
    ("semicolons", "customer;resource\nacme;192.0.2.1\n", "save it with commas, not semicolons"),
    ("unknown column", "customer,adress\n", "column adress: 'adress' is no column: use customer"),
    ("column twice", "customer,name,name\n", "is there twice"),
    ("open quote", 'customer,name\n"acme,x\n', "check the quotes"),
    ("quote in the middle", 'customer,name\n"ac"me,x\n', "check the quotes"),
    ("field beyond all bounds", "customer,name\nacme," + "n" * 200_000, "field limit"),
]


@pytest.mark.parametrize(("text", "says"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES])
def test_bad_file_is_named_with_advice(tmp_path: Path, text: str, says: str) -> None:
    assert any(says in problem for problem in problems(tmp_path, text))


def test_bytes_that_are_no_utf8_are_named_by_line_and_column(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, b"customer,name\nacme,x\nb\xfccher,x\n")
    assert problem.startswith("customers.csv, line 3, column customer: 'b?cher' is not UTF-8")


def test_missing_file_and_folder_are_told_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CustomerFileError) as caught:
            read_customers(path)
        assert len(caught.value.problems) == 1
        assert "cannot be read" in caught.value.problems[0]


def test_all_problems_of_all_rows_are_collected(tmp_path: Path) -> None:
    text = (
        f"{HEADER},language\n"
        "a,,192.0.2.1/24,5,1,2026-01-01,,xx\n"
        "b,,192.0.2.9,,,2026-01-01T00:00:00Z,,en\n"
        "c,,,,,,2026-01-01T00:00:00Z,en\n"
    )
    places = [one.partition(": ")[0].partition(", ")[2] for one in problems(tmp_path, text)]
    assert places == [
        "line 2, column resource",
        "line 2, column valid_from",
        "line 2, column language",
        "line 2, column port_first",
        "line 4, column valid_to",
    ]


def test_line_is_where_the_row_begins_though_values_span_lines(tmp_path: Path) -> None:
    found = problems(tmp_path, 'customer,name,language\na,"two\nlines",en\nb,,xx\n')
    assert [one.partition(", column")[0] for one in found] == ["customers.csv, line 2", "customers.csv, line 4"]


def test_value_in_a_problem_is_short_and_without_control_characters(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "customer,name\nacme," + "\x1b[2J" * 600 + "\n")
    assert problem.isprintable()
    assert len(problem) < 300


def test_rows_that_say_different_things_of_one_customer_are_both_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "customer,name\nacme,One\nacme,\nacme,Two\n")
    assert problem == "customers.csv, line 4, column name: 'Two' differs from 'One' in line 2: write the same"


def test_circle_of_parents_is_named_once(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "customer,parent\na,b\nb,c\nc,b\n")
    assert "b -> c -> b" in problem


def test_parent_may_stand_below_or_outside(tmp_path: Path) -> None:
    path = write(tmp_path, "customer,parent\na,b\nb,old\n")
    assert [row.parent for row in read_customers(path, known={"old"}).customers] == ["b", "old"]


def test_bad_row_of_a_parent_is_not_blamed_on_its_children(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "customer,parent,language\na,,xx\nb,a,en\n")
    assert "line 2" in problem


FROM = "2026-01-01T00:00:00Z,"
OVERLAPS = [
    # (name, resource, ports, validity) twice, contradiction or not
    ("same prefix", ("192.0.2.0/24", ",", FROM), ("192.0.2.0/24", ",", FROM), True),
    ("same prefix, later start", ("192.0.2.0/24", ",", FROM), ("192.0.2.0/24", ",", "2026-06-01T00:00:00Z,"), True),
    (
        "one after the other",
        ("192.0.2.0/24", ",", "2026-01-01T00:00:00Z,2026-06-01T00:00:00Z"),
        ("192.0.2.0/24", ",", "2026-06-01T00:00:00Z,"),
        False,
    ),
    ("narrower inside wider", ("192.0.2.0/24", ",", FROM), ("192.0.2.0/25", ",", FROM), False),
    ("neighbours", ("192.0.2.0/25", ",", FROM), ("192.0.2.128/25", ",", FROM), False),
    ("ranges of one size that cross", ("192.0.2.1-192.0.2.9", ",", FROM), ("192.0.2.5-192.0.2.13", ",", FROM), True),
    ("ranges of two sizes that cross", ("192.0.2.1-192.0.2.9", ",", FROM), ("192.0.2.5-192.0.2.14", ",", FROM), False),
    ("port blocks apart", ("192.0.2.1", "1,9", FROM), ("192.0.2.1", "10,20", FROM), False),
    ("port blocks that cross", ("192.0.2.1", "1,10", FROM), ("192.0.2.1", "10,20", FROM), True),
    ("port block beside the whole address", ("192.0.2.1", ",", FROM), ("192.0.2.1", "10,20", FROM), False),
    ("same host", ("shop.example", ",", FROM), ("SHOP.example", ",", FROM), True),
    ("other host", ("shop.example", ",", FROM), ("www.shop.example", ",", FROM), False),
    ("v4 and v6 with the same numbers", ("0.0.0.1", ",", FROM), ("::1", ",", FROM), False),
]


@pytest.mark.parametrize(("one", "other", "clash"), [case[1:] for case in OVERLAPS], ids=[case[0] for case in OVERLAPS])
@pytest.mark.parametrize("turned", [False, True])
def test_contradicting_assignments_are_named_with_both_lines(
    tmp_path: Path, one: tuple[str, str, str], other: tuple[str, str, str], clash: bool, turned: bool
) -> None:
    if turned:
        one, other = other, one
    text = f"{HEADER}\na,,{','.join(one)}\nb,,{','.join(other)}\n"
    if clash:
        (problem,) = problems(tmp_path, text)
        assert problem.startswith("customers.csv, line 3, column resource: ")
        assert "line 2 (a/main)" in problem
    else:
        assert len(read_customers(write(tmp_path, text)).assignments) == 2


def test_same_account_may_hold_twice_but_not_with_two_ends(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"a,,192.0.2.1,,,{FROM}", "a,,192.0.2.1,,,2026-06-01T00:00:00Z,").assignments) == 2
    (problem,) = problems(tmp_path, f"{HEADER}\na,,192.0.2.1,,,{FROM}\na,,192.0.2.1,,,{FROM}2026-06-01T00:00:00Z\n")
    assert "line 2 (a/main)" in problem


def test_two_accounts_of_one_customer_contradict_each_other_too(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"{HEADER}\na,web,192.0.2.1,,,{FROM}\na,mail,192.0.2.1,,,{FROM}\n")
    assert "line 2 (a/web)" in problem


def test_every_column_of_the_contract_is_known() -> None:
    assert (
        ",".join(COLUMNS) == "customer,name,parent,account,contacts,language,vetted,"
        "policy,resource,port_first,port_last,valid_from,valid_to,use,delivery,other_contacts"
    )
