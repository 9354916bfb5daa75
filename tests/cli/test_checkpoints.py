"""What others called a checkpoint is printed as letters, never as codes that a terminal obeys."""

from __future__ import annotations


def test_a_folder_whose_name_holds_terminal_codes_is_named_in_letters(run, tmp_path):
    odd = tmp_path / "checkpoints" / "\x1b[31mred"
    odd.mkdir(parents=True)
    (odd / "manifest.json").write_text('{"kind": "lora", "backbone": "shapes"}')
    code, out, err = run("checkpoints", "--store", str(tmp_path))
    assert code == 0 and "x1b[31mred is not listed" in err and "\x1b" not in out + err
