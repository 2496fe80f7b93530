"""Every check of the project, one session each: ``nox`` runs them all, ``nox -s NAME`` one.

::

    lint        ruff, rules and format, and the retired words
    types       mypy on all our code, pyright on the types of the public names
    extras      small programs, checked and run with the base install, and with each extra alone
    browser     the tests of the sandbox's page in Chromium, which has to be installed
    services    the tests with PostgreSQL, RabbitMQ and Redis, which have to be installed
    build       the source distribution, and the wheel made from it
    tests       pytest against that wheel, once for each supported Python that is installed
    coverage    what that run covered which was measured: every line, every branch
    contract    schemathesis compares what the sandbox answers with its OpenAPI documents
    docs        the Sphinx pages; a warning is an error
    bench       the page of benchmarks and its chart; eight minutes on an otherwise idle machine
    fuzz        ten million random callbacks; half an hour
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"  # the first whose sessions can require others
nox.options.sessions = ["lint", "types", "extras", "tests", "coverage", "contract", "docs"]
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
# A version that is not installed is skipped, on CI too.
nox.options.error_on_missing_interpreters = False

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
PYRIGHT = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # do not ask for newer versions
# Without these, the tools would use this project's, from the directories above.
USER_CONFIGURATION = {
    "mypy.ini": "[mypy]\nstrict = true\n",
    "pyrightconfig.json": '{"typeCheckingMode": "strict"}',
    "pytest.ini": "[pytest]\n",
}
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
# Measuring takes half as long again, and no line of the package is for one version alone. That of
# nox itself is installed, at any rate.
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
MEASURED = [OWN] if OWN in PYTHONS else PYTHONS


def group(*names: str) -> list[str]:
    """Requirements of dependency groups; read here because older pips do not know them."""
    return list(nox.project.dependency_groups(PYPROJECT, *names))


def install_wheel(session: nox.Session, *requirements: str) -> None:
    """Install the built wheel with all extras, and what else the session needs."""
    wheel = next(DIST.glob("*.whl"))
    session.install(f"engagelab-async[all] @ {wheel.as_uri()}", *requirements)
    # A reused environment holds an earlier build, and pip takes an equal version for the same.
    session.install("--quiet", "--force-reinstall", "--no-deps", str(wheel))


@nox.session
def lint(session: nox.Session) -> None:
    """Check the rules and the format of all Python files, and the names in the package."""
    session.install(*group("lint"))

    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("python", "tests/support/words.py")


@nox.session(requires=["build"])
def types(session: nox.Session) -> None:
    """Check the types of our code, and that users see all types of the public names."""
    install_wheel(session, *group("types"))

    programs = ("examples", "benchmarks", "contract", "fuzzing")
    session.run("mypy", "engagelab_async", "tests", *programs)
    # By themselves: the root's conftest.py and that of tests/ would be one module to mypy.
    session.run("mypy", "conftest.py", "noxfile.py", "docs/conf.py")
    session.run("pyright", env=PYRIGHT)
    # Away from the working tree, or pyright would look at that instead of the installed package.
    with session.chdir(session.create_tmp()):
        session.run(
            "pyright",
            "--verifytypes",
            "engagelab_async",
            "--ignoreexternal",
            env=PYRIGHT,
        )


@nox.session(requires=["build"])
def extras(session: nox.Session) -> None:
    """Check and run a small program with the base install alone, and one with each extra alone.

    The other sessions install everything, and so do not see what a user lacks who does not: a
    module that cannot be imported, a type that a checker does not know.
    """
    session.install(*group("checkers"))

    for name, program, requirements in installs():
        home = Path(session.create_tmp()).resolve() / name
        python = home / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        session.run("python", "-m", "venv", "--without-pip", "--clear", str(home / "venv"))
        session.run("python", "-m", "pip", "--python", str(python), "install", "-q", *requirements)
        # Under another name, or it would be what it imports.
        shutil.copy(ROOT / "tests" / "installed" / program, home / "program.py")
        for file, text in USER_CONFIGURATION.items():
            (home / file).write_text(text, encoding="utf-8")
        with session.chdir(home):
            session.run("mypy", "--python-executable", str(python), "program.py")
            session.run("pyright", "--pythonpath", str(python), env=PYRIGHT)
            session.run(str(python), "-W", "error", "program.py", external=True, silent=True)


def installs() -> Iterator[tuple[str, str, list[str]]]:
    """Yield a name for each way to install, its program, and what it needs, and no more."""
    wheel = next(DIST.glob("*.whl")).as_uri()
    yield "base", "base.py", [f"engagelab-async @ {wheel}"]
    yield "httpx2", "with_httpx2.py", [f"engagelab-async @ {wheel}", "httpx2"]
    optional = PYPROJECT["project"]["optional-dependencies"]
    for extra in sorted({*optional} - {"all"}):
        yield extra, f"with_{extra}.py", [f"engagelab-async[{extra}] @ {wheel}"]
    # What FastAPI makes of our results depends on how it is made inside.
    oldest = [each.replace(">=", "==") for each in optional["fastapi"]]
    yield "oldest_fastapi", "with_fastapi.py", [f"engagelab-async[fastapi] @ {wheel}", *oldest]


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the source distribution, and from that the wheel."""
    session.install(*group("build"))

    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST), str(ROOT), silent=True)


@nox.session(python=PYTHONS, requires=["build"])
def tests(session: nox.Session) -> None:
    """Run the tests, the documentation's code blocks and the examples against the wheel."""
    install_wheel(session, *group("tests"))

    env = {
        "COVERAGE_FILE": str(ROOT / f".coverage-{session.python}"),
        "PYTHONSAFEPATH": "1",  # keeps the working tree off sys.path, in subprocesses too
        "ENGAGELAB_ASYNC_TEST_WHEEL": "1",  # tests/test_architecture.py checks that it did
    }
    session.run("coverage", "erase", env=env)
    measure = ("coverage", "run") if session.python in MEASURED else ("python",)
    # Many tests wait for a process or a timer. The blocks of a page build on each other, and so
    # stay together. Files of few tests would come last, and some of these are slow.
    workers = str(2 * (os.cpu_count() or 1))
    spread = ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder")
    session.run(*measure, "-m", "pytest", *spread, *session.posargs, env=env)


@nox.session(default=False, requires=["build"])
def browser(session: nox.Session) -> None:
    """Run the tests of the sandbox's page in Chromium, which has to be installed."""
    install_wheel(session, *group("tests"))

    env = {"PYTHONSAFEPATH": "1", "ENGAGELAB_ASYNC_TEST_BROWSER": "always"}
    if shutil.which("npm"):  # axe-core, which looks for barriers, comes from there alone
        modules = Path(session.create_tmp()).resolve()
        session.run("npm", "install", "--prefix", str(modules), "axe-core@4", external=True)
        env["ENGAGELAB_ASYNC_TEST_AXE"] = str(modules / "node_modules/axe-core/axe.min.js")
    page = "tests/sandbox/inbox/browser"
    session.run("python", "-m", "pytest", page, *session.posargs, env=env)


@nox.session(default=False, requires=["build"])
def services(session: nox.Session) -> None:
    """Run the tests with PostgreSQL, RabbitMQ and Redis, which have to be installed."""
    install_wheel(session, *group("tests"))

    env = {
        "COVERAGE_FILE": str(Path(session.create_tmp()) / "coverage"),
        "PYTHONSAFEPATH": "1",
        "ENGAGELAB_ASYNC_TEST_SERVICES": "always",
    }
    tests = ("tests/distributed", "tests/redis", "tests/bulk/test_journal_contract.py")
    session.run("coverage", "erase", env=env)
    spread = ("-n", "2", "--dist", "loadfile")
    session.run("coverage", "run", "-m", "pytest", *spread, *tests, *session.posargs, env=env)
    if not session.posargs:
        needing = ("distributed/postgresql", "distributed/pgqueuer", "engagelab_async/redis")
        only = "--include=" + ",".join(f"*/{name}.py" for name in needing)
        session.run("coverage", "combine", "--quiet", env=env)
        # Not all of it: whether a connection dies at the wrong moment is a matter of luck.
        options = ("--omit=nothing", only, "--fail-under=97")
        session.run("coverage", "report", *options, env=env)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine what the processes of the tests measured, and fail below 100 %."""
    session.install(*group("coverage"))

    measured = sorted(str(file) for file in ROOT.glob(".coverage-*"))
    session.run("coverage", "combine", "--quiet", *measured, log=False)
    session.run("coverage", "report", "--fail-under=100")


@nox.session(requires=["build"])
def contract(session: nox.Session) -> None:
    """Look for requests that the sandbox does not answer as its documents say."""
    install_wheel(session, *group("contract"))

    session.run("python", "contract", *session.posargs)


@nox.session(requires=["build"])
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    install_wheel(session, *group("docs"))

    session.run("sphinx-build", "-qEnW", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session(default=False, requires=["build"])
def bench(session: nox.Session) -> None:
    """Measure everything and write docs/benchmarks.md; ``-- --quick`` only shows the tables."""
    install_wheel(session, *group("bench"))

    session.run("python", "benchmarks", *(session.posargs or ["--write", "docs"]))


@nox.session(default=False, requires=["build"])
def fuzz(session: nox.Session) -> None:
    """Fuzz what reads callbacks and answers; options such as ``-- -runs=1000`` replace ours."""
    install_wheel(session, *group("fuzz"))

    for program in ("callbacks.py", "answers.py"):
        session.run("python", f"fuzzing/{program}", *(session.posargs or ["-runs=10000000"]))
