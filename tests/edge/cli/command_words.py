"""How the tests of commands run one in this process, and name a model that was built for them."""

import pytest

from edge.cli.main import main
from tests.builders import BuiltBundle

__all__ = ["model", "run"]


def model(built: BuiltBundle) -> tuple[str, ...]:
    """`--model FILE --trust DIR`: a bundle of ours under its own throw-away key."""
    return "--model", str(built.path), "--trust", str(built.trust_dir)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `sonoderm ARGS…`, as far as Python wrote them."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err
