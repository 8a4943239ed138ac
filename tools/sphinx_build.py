"""Run jupyter-book as the other tools do: `python -m tools.sphinx_build build . -W -n`."""

if __name__ == "__main__":
    from jupyter_book.cli.main import main

    main(prog_name="jupyter-book")
