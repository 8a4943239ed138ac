"""How the front strip counts words and finds statements."""

from front_strip import claims, reading_minutes

CHAPTER = """---
kernelspec: python3
---

# A chapter

```{prf:theorem} One
:class: wide
:label: chapter-one

Text with {prf:ref}`chapter-two`.
```

:::{prf:lemma}
:label: chapter-two
:::

```{prf:definition} Three
:label: chapter-three
```

```{prf:corollary} Unlabelled
```

```{code-cell} ipython3
:label: not-this
```
"""


def test_claims_are_labels_of_what_is_proved():
    assert claims(CHAPTER) == ["chapter-one", "chapter-two"]


def test_reading_time_counts_what_stands_in_the_open():
    prose = "word " * 1300
    assert reading_minutes(f"---\nx: y\n---\n{prose}") == 10
    folded = f":::{{dropdown}} Proof\n{prose}\n:::\n"
    assert reading_minutes(f"---\nx: y\n---\n{prose}\n{folded}") == 10
    assert reading_minutes("---\nx: y\n---\nshort") == 5


def test_nested_folds_are_left_out_whole():
    prose = "word " * 1300
    nested = (
        f"::::{{dropdown}} Proof\n```{{prf:proof}}\n{prose}\n```\n:::{{note}}\n:::\n{prose}\n::::\n"
    )
    assert reading_minutes(f"---\nx: y\n---\n{prose}\n{nested}") == 10
