"""A key of a TOML file is found on its line, whatever stands around it."""

from __future__ import annotations

from pathlib import Path

from gateway.policies.policy import shipped
from gateway.tomllines import line_of, lines_of

TEXT = '''\
# a comment
name = "x"
"quoted key".inner = 1

[a.b]
list = [
  "one",   # [not.a.table]
  "two",
]
text = """
key = 1
[no]
"""
after = 2
[[rows]]
n = 1
[[rows]]
n = 2
[rows.below]
deep = 3
'''


def test_keys_tables_and_values_over_several_lines(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    found = lines_of(path)
    assert found[("name",)] == 2
    assert found[("quoted key", "inner")] == 3
    assert found[("a", "b")] == 5
    assert found[("a", "b", "list")] == 6
    assert found[("a", "b", "text")] == 10
    assert found[("a", "b", "after")] == 14
    assert (found[("rows", 0, "n")], found[("rows", 1, "n")]) == (16, 18)
    assert found[("rows", 1, "below", "deep")] == 20
    assert ("key",) not in found
    assert ("no",) not in found


def test_what_is_inside_a_value_is_on_the_line_of_its_key(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    found = lines_of(path)
    assert line_of(found, ("a", "b", "list", 1)) == 6
    assert line_of(found, ("a", "b", "absent")) == 5
    assert line_of(found, ("nowhere",)) is None


def test_a_file_that_cannot_be_read_has_no_lines(tmp_path: Path):
    assert lines_of(tmp_path / "absent.toml") == {}
    assert len(shipped()) == 6
