from __future__ import annotations

import pytest

from studio.alpaca.explain import explain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "RuntimeError: Cannot find valid samples, check `data/README.md` for the data format.",
            "Every row was dropped",
        ),
        ("RuntimeError: Cannot find sufficient samples, consider increasing dataset size.", "cutoff_len"),
        ("TypeError: Couldn't cast array of type list<item: list<item: string>> to null", "first 10 MB"),
        ("Couldn't cast array of type string to int64", "another type"),
        (
            "All the data files must have the same columns, but there are 1 new columns ({'system'})",
            "first",
        ),
        ("JSON parse error: Column() changed from object to array in row 0", "byte-order mark"),
        ("JSON parse error: Column(/output) changed from number to string in row 1", "two types"),
        ("JSON parse error: Column(/output) was specified twice in row 0", "same key twice"),
        ("The surrogate pair in string is invalid. in row 0", "half of a character"),
        ("(\"Expected bytes, got a 'list' object\", 'Conversion failed for column history')", "two types"),
        ("Failed to parse string: 'hello' as a scalar of type timestamp[s]", "dates"),
        ("TypeError: sequence item 0: expected str instance, int found", "not text"),
        ('ValueError: Instruction "train" corresponds to no data!', "no rows"),
        ("UnicodeDecodeError: 'utf-8' codec can't decode byte 0xc0 in position 0: invalid start byte", "not UTF-8"),
        ("'gbk' codec can't decode byte 0x80 in position 9", "dataset_info.json"),
        ("Cannot open data/dataset_info.json due to 'utf-8' codec can't decode byte 0xd0 in position 2", "ASCII"),
        ("JSON parse error: Column() changed from object to number in row 3", "one object a line"),
        ("JSON parse error: Missing a comma or '}' after an object member. in row 4", "line of a JSONL file"),
        ("JSON parse error: Number too big to be stored in double. in row 0", "too large"),
        ("Recursion level in ArrowSchema struct exceeded", "deeper"),
        ("'NoneType' object has no attribute 'keys'", "JSON array"),
        ("Failed to parse string: 'late' as a scalar of type double", "first 10,000 rows"),
        ("Float value 4.500000 was truncated converting to int64", "first 10,000 rows"),
        ("pyarrow.lib.ArrowInvalid: Could not convert 'Pear.' with type str: tried to convert to int64", "two types"),
        ("pyarrow.lib.ArrowInvalid: cannot mix list and non-list, non-null values", "two types"),
        ("TypeError: cannot unpack non-iterable NoneType object", "not a pair"),
        ("KeyError: 'arguments'", "call of a function"),
        ("KeyError: 'from'", "tags"),
        ("KeyError: 0", "object where a list"),
        ("KeyError: 'user'", "role that `tags` does not name"),
        ("NotImplementedError: Unexpected role: system", "tags"),
        ("ValueError: Expect input is a list of images, but got <class 'NoneType'>.", "instead of a path"),
        ("join() argument must be str, bytes, or os.PathLike object, not 'NoneType'", "instead of a path"),
        ("FileNotFoundError: [Errno 2] No such file or directory: ''", "instead of a path"),
        ("TypeError: object of type 'NoneType' has no len()", "list of turns"),
        ("TypeError: string indices must be integers, not 'str'", "list of turns"),
        ("TypeError: unsupported operand type(s) for +: 'int' and 'str'", "system prompt"),
        ('TypeError: can only concatenate list (not "str") to list', "system prompt"),
        ("AttributeError: 'str' object has no attribute 'get'", "list of objects"),
        ("IndexError: list index out of range", "stage kto"),
        ("ValueError: Cannot open data/dataset_info.json due to Expecting value: line 1.", "dataset_info.json"),
        ("ValueError: Undefined dataset mine in dataset_info.json.", "split at commas"),
        ("KeyError: None", "does not map"),
        ("KeyError: 'file_name'", "names no file"),
        ("KeyError: 'input'", "not in the file"),
        ("ValueError: The dataset is not applicable in the current training stage.", "ranking"),
        ("ValueError: Dataset converter chatml not found.", "formatting"),
        ("ValueError: Allowed file types: arrow,csv,json,jsonl,parquet,txt.", "letter by letter"),
        ("ValueError: File types should be identical.", "README"),
        ("ValueError: File data/a.json not found.", "dataset_dir"),
        ("ValueError: Unknown split \"validation\". Should be one of ['train'].", "split train only"),
        ("ValueError: too many values to unpack (expected 2)", "not a pair"),
        ("RuntimeError: Expected a string, got None", "null"),
        (
            "ValueError: The number of images does not match the number of <image> tokens",
            "counted over history",
        ),
        ("ValueError: This model does not support image input. Please check", "template"),
        ("PIL.UnidentifiedImageError: cannot identify image file 'a.png'", "no image"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'pictures/1.jpg'", "media_dir"),
        ("Media 1.png does not exist in `media_dir`. Use original path.", "below media_dir"),
        ("RuntimeError: Invalid JSON format in tool description: ['search'].", "JSON written as text"),
        ("[WARNING] Dropped invalid example: [{'role': 'user'}]", "left out"),
        ("[WARNING] Dropped lengthy example with length 3000 > 2048.", "longer than cutoff_len"),
        ("[WARNING] Skipping this abnormal example.", "question, answer"),
        ("Your dataset only has one preference type.", "desirable"),
        ("datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset", "gave up"),
    ],
)
def test_known_text(text, words):
    [found] = explain(text)
    assert words in found.meaning + found.cure
    assert found.said in text


def test_cause_comes_in_place_of_the_general_words():
    pasted = """Traceback (most recent call last):
      pyarrow.lib.ArrowInvalid: JSON parse error: Column(/output) changed from number to string in row 1
    The above exception was the direct cause of the following exception:
      datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset
    [WARNING] Media 1.png does not exist in `media_dir`. Use original path."""
    assert [found.said[:12] for found in explain(pasted)] == ["Column(/outp", "Media 1.png "]


def test_memory_that_is_too_small_is_no_fault_of_the_data():
    (found,) = explain("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
    assert "cutoff_len" in found.cure
    assert "data are as they should be" in found.meaning


def test_unknown_text():
    assert explain("The oven is too hot.") == []
