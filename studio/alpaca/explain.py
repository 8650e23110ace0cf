"""The trainer's error texts in plain words, each with its cure.

The texts are those of LLaMA-Factory 0.9.5 (src/llamafactory/data) and of the reader under it, datasets 4.0 with
PyArrow and pandas.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Explanation(NamedTuple):
    """said: the words of the pasted text this is about. meaning: what happened. cure: what to do."""

    said: str
    meaning: str
    cure: str


_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"Cannot find valid samples[^\n]*",
        "Every row was dropped: the rows do not fit the stage or the columns in dataset_info.json. Typical "
        "causes are `columns` without response, answers that are null or numbers, pretrain texts trained "
        "with stage sft, and conversations whose turns are out of order.",
        "Run `studio check` on the file, then export it again with its own dataset_info.json entry.",
    ),
    (
        r"Cannot find sufficient samples[^\n]*",
        "The pretrain texts together are shorter than one block of cutoff_len tokens, and the unfilled "
        "block is thrown away.",
        "Add texts, or lower cutoff_len.",
    ),
    (
        r"Couldn't cast array of type [^\n]*? to null",
        "A column is null or an empty list all through the first 10 MB of a JSONL file, so the reader "
        "takes it for a column of nothing; further down it has values.",
        'Export as a JSON array, write "" instead of null, or put a row with a value first.',
    ),
    (
        r"Couldn't cast(?! array of type [^\n]* to null)[^\n]*",
        "A column has another type further down than at the beginning of the file, or files of one dataset "
        "have different columns.",
        "Give every row the same columns with the same types: an export does.",
    ),
    (
        r"(?:there are \d+ new columns[^\n]*|All the data files must have the same columns[^\n]*)",
        "A column appears for the first time after the first 10 MB of a JSONL file, or in one of several files only.",
        "Give every row the same columns: an export does. A JSON array is also read.",
    ),
    (
        r"Column\(\) changed from object to array in row \d+",
        "This message hides the true cause. The reader failed on the file as one JSON array and tried it "
        "as lines: the array begins with a byte-order mark, is not UTF-8 (GBK, say), holds a whole number of more "
        "than 64 bits or half a surrogate pair, or has a syntax error such as a comma before the closing bracket.",
        "`studio check FILE` names line and column; an import and export make it plain UTF-8.",
    ),
    (
        r"Column\(\) changed from \w+ to \w+ in row \d+",
        "A line of a JSONL file is no object, or an object is spread over several lines.",
        "Write one object a line. `studio check FILE` names the line.",
    ),
    (
        r"Column\((/[^)]*)\) changed from \w+ to \w+ in row \d+",
        "One column holds values of two types, such as text in one row and a number or list in another.",
        "Bring all values to one type. `studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"Column\((/[^)]*)\) was specified twice[^\n]*",
        "An object has the same key twice.",
        "Remove one of the two.",
    ),
    (
        r"surrogate pair in string is invalid[^\n]*|surrogates not allowed",
        "A text holds half of a character: a \\ud800 to \\udfff without its partner, often from cutting "
        "text in the middle of an emoji.",
        "Remove it. `studio check FILE` names the row.",
    ),
    (
        r"(?:Expected bytes, got an? '\w+' object|Failed to convert pandas DataFrame to Arrow Table|"
        r"Could not convert [^\n]* with type \w+: tried to convert to|cannot mix \w+ and non-\w+|"
        r"object of type <class '\w+'> cannot be converted to \w+)[^\n]*",
        "One column holds values of two types: of a JSON array, or the turns of a row, where a number or list "
        "stands among texts.",
        "Bring all values to one type. `studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"Failed to parse string: [^\n]* as a scalar of type timestamp[^\n]*",
        "A column held only dates at the beginning of the file, so the reader expects dates; further down "
        "there is another text.",
        "Export as a JSON array: it keeps texts as texts.",
    ),
    (
        r"Failed to parse string: [^\n]* as a scalar of type \w+|Failed to parse value: [^\n]*|"
        r"Float value \S+ was truncated converting to \w+",
        "The types of a CSV file come from its first 10,000 rows. A column that is empty there, or holds numbers "
        "or true and false, has another value further down.",
        "Export as JSON or JSONL.",
    ),
    (
        r"'\w+' object has no attribute 'keys'",
        "An element of a JSON array is no object, but a number, a text or null.",
        "Take it out. `studio check FILE` names the row.",
    ),
    (
        r"Number too big to be stored in double[^\n]*",
        "A number is too large for any tool.",
        "Write it as text.",
    ),
    (
        r"Recursion level in ArrowSchema struct exceeded",
        "A value is nested deeper than Arrow can take.",
        "Write it as a text of JSON, or leave the column out.",
    ),
    (
        r"sequence item \d+: expected str instance, [\w.]+ found",
        "An instruction or input is not text: a number, a list, or a text that the reader took for a date.",
        "Write texts. `studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"corresponds to no data!?|at least one example when writing data|SchemaInferenceError",
        "The file has no rows: it is empty, or an empty list.",
        "Write rows into it, or leave the dataset out.",
    ),
    (
        r"Cannot open [^\n]*dataset_info\.json[^\n]*",
        "dataset_info.json is missing, no JSON, begins with a byte-order mark, or is in another encoding "
        "than the system's.",
        "Point dataset_dir to its folder, and write it in ASCII without a byte-order mark: an export does.",
    ),
    (
        r"'utf-?8' codec can't decode[^\n]*",
        "The file is not UTF-8; Chinese files are often GBK.",
        "Import it and export it: the export is UTF-8.",
    ),
    (
        r"'(?:gbk|cp\d+|ascii|charmap)' codec can't decode[^\n]*",
        "dataset_info.json is opened in the encoding of the system, and holds characters that this cannot read.",
        "Write it in ASCII with \\u escapes: an export does. Setting PYTHONUTF8=1 also helps.",
    ),
    (
        r"Undefined dataset [^\n]* in dataset_info\.json",
        "The argument `dataset` names an entry that is not there. Names are split at commas, and trimmed.",
        "Use a name of dataset_info.json, one without commas.",
    ),
    (
        r"KeyError: None",
        "The stage reads a role that `columns` does not map: with a `columns` key, what it does not list "
        "does not exist. With ranking true, chosen and rejected must be mapped.",
        "Map every column the stage needs. `studio export` writes the whole entry.",
    ),
    (
        r"KeyError: ['\"](file_name)['\"]",
        "The entry in dataset_info.json names no file and no other source.",
        "Add file_name.",
    ),
    (
        r"KeyError: ['\"](?:name|arguments|function)['\"]",
        "A call of a function lacks its name or its arguments; or a column of that name is mapped and not there.",
        'A call is JSON written as text: {"name": ..., "arguments": {...}}.',
    ),
    (
        r"KeyError: ['\"](?:from|value|role|content)['\"]",
        "A turn of a conversation lacks the key of its role or its text: ShareGPT has from and value, OpenAI role "
        "and content.",
        "Name the keys in `tags` (role_tag, content_tag), or import and export the file.",
    ),
    (
        r"KeyError: 0\b",
        "A conversation is an object where a list of turns belongs.",
        "Write a list of turns. `studio check FILE` shows the rows.",
    ),
    (
        r"KeyError: ['\"]([^'\"\n]+)['\"]",
        "A column that dataset_info.json maps, or that is read by default, is not in the file. Rows inside "
        'a wrapper such as {"data": [...]} look like this too, and so does a role that `tags` does not name.',
        "Map only columns that are there, give every file its `columns`, and name every role in `tags`.",
    ),
    (
        r"The dataset is not applicable in the current training stage",
        "Stages rm and dpo need `ranking: true` in the entry; every other stage refuses it.",
        "Train the dataset in its stage, or set ranking right.",
    ),
    (
        r"Dataset converter (\S+) not found",
        "`formatting` in the entry is not one of alpaca, sharegpt and openai.",
        "Correct it; for rows with instruction and output leave it out.",
    ),
    (
        r"Allowed file types: [^\n]*",
        "The ending of the file is not known. It is compared letter by letter: .JSON is not .json, and .gz "
        "is not read.",
        "Rename it in lower case, or import and export it.",
    ),
    (
        r"File types should be identical",
        "file_name is a folder that holds files of different endings; a README or .DS_Store in it is enough.",
        "Keep nothing but data files of one type there.",
    ),
    (
        r"File \S+ not found",
        "file_name is looked for inside dataset_dir.",
        "Set dataset_dir to the folder of dataset_info.json, and file_name relative to it.",
    ),
    (
        r"Unknown split \"?(\w+)\"?[^\n]*",
        "A file has the split train only.",
        "Put the other split into a file and an entry of its own, and name it in eval_dataset.",
    ),
    (
        r"too many values to unpack[^\n]*|not enough values to unpack[^\n]*|"
        r"cannot unpack non-iterable \w+ object",
        "A turn of history is not a pair of question and answer.",
        "history is a list of [question, answer]. `studio check FILE` shows the rows; `studio export` "
        "writes a file that reads.",
    ),
    (
        r"Expected a string, got [^\n]*",
        "A turn is null or no text, often in history.",
        "Write a text, or take the turn out. `studio check FILE` shows the rows; `studio export` writes a "
        "file that reads.",
    ),
    (
        r"(?:The )?number of (?:image|video|audio)s? (?:does not match|tokens)[^\n]*|`?len\((?:image|"
        r"video|audio)s\)`? is (?:less|more|greater) than[^\n]*",
        "The number of <image>, <video> or <audio> in a row is not that of its files. They are counted "
        "over history, prompt and answers, so that one written out in an answer counts too. One such row "
        "stops the run.",
        "`studio check` finds such rows and can put missing placeholders in.",
    ),
    (
        r"This model does not support (?:image|video|audio) input[^\n]*",
        "The rows have media, and the template is one for text.",
        "Choose a multimodal model and its template, or leave the media columns out.",
    ),
    (
        r"cannot identify image file[^\n]*|(?:FileNotFoundError|No such file or directory)[^\n]*\.(?:png|"
        r"jpe?g|webp|gif|bmp)\S*",
        "An image is missing or is no image. Paths start from media_dir, which is dataset_dir unless set.",
        "An export copies the images beside the data; `studio check` names those that do not open.",
    ),
    (
        r"No such file or directory: ''|Expect input is a list of images, but got [^\n]*|"
        r"join\(\) argument must be str, bytes, or os\.PathLike object[^\n]*",
        "An image, video or sound is given as null, a number, a list or an empty text instead of a path.",
        "Write the list of paths, [] where there is none. `studio check FILE` shows the rows.",
    ),
    (
        r"Media \S+ does not exist in `media_dir`[^\n]*",
        "The path was not found below media_dir and is used as it is; training stops later if that is not "
        "there either.",
        "Write paths relative to dataset_dir, or set media_dir.",
    ),
    (
        r"Invalid JSON format in (?:tool description|function message)[^\n]*",
        "tools, or a turn that calls a function, must be JSON written as text.",
        "Write tools as a text of JSON, and calls with name and arguments.",
    ),
    (
        r"Dropped invalid example[^\n]*",
        "A row without exactly one answer (sft) or with fewer than two (dpo, kto) is left out.",
        "`studio check` says which rows and why.",
    ),
    (
        r"Dropped lengthy example[^\n]*",
        "With packing, a row longer than cutoff_len is left out.",
        "Raise cutoff_len, shorten the row, or pack nothing.",
    ),
    (
        r"Skipping this abnormal example|Invalid role tag in|Invalid message count in|Unexpected role: \w+",
        "The turns of a conversation do not run question, answer, question, answer, or a role has another "
        "name than the entry's `tags` say. The row is dropped, or stops the run.",
        "Correct the turns or the tags; an import shows every such row with its reason.",
    ),
    (
        r"only has one preference type",
        "All KTO rows are desirable, or none is. A desirable row with an empty output counts as undesirable.",
        "KTO needs rows of both kinds.",
    ),
    (
        r"JSON parse error: [^\n]*",
        "A line of a JSONL file is no JSON: a quotation mark, bracket or comma is missing or too many, a tab or "
        "another control character stands in a text, or an object is spread over several lines.",
        "`studio check FILE` names line and column; an import sets the line aside and keeps the rest.",
    ),
    (
        r"CUDA out of memory[^\n]*|OutOfMemoryError[^\n]*|CUBLAS_STATUS_ALLOC_FAILED[^\n]*|NPU out of memory[^\n]*",
        "The memory of the graphics card is too small for this model with this length and batch. The data are as they "
        "should be, but long rows take most.",
        "In train_….yaml lower cutoff_len or per_device_train_batch_size (and raise gradient_accumulation_steps by as "
        "much), or load the model in 4 bits: quantization_bit: 4.",
    ),
    (
        r"object of type '\w+' has no len\(\)|string indices must be integers[^\n]*|"
        r"list indices must be integers or slices, not str|'\w+' object is not (?:subscriptable|iterable)",
        "Where a list of turns or of tools belongs, there is null, a text or a number; or a turn is no object with a "
        "role and a text.",
        "`studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"unsupported operand type\(s\) for \+=?: [^\n]*|argument of type '\w+' is not iterable|"
        r"can only concatenate \w+ [^\n]*|the JSON object must be str, bytes or bytearray, not \w+",
        "A system prompt, a description of tools or the text of a pretrain row is null, a number or a list, not text.",
        "`studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"'\w+' object has no attribute '(?:get|count|items)'",
        "A turn is null, or tools is a JSON text that holds something other than a list of objects.",
        "`studio check FILE` shows the rows; `studio export` writes a file that reads.",
    ),
    (
        r"IndexError: list index out of range",
        "From the trainer's data code: stage kto needs an answer in every row, for it pairs each prompt with the "
        "answer of the row before; stage pt needs a first turn in every conversation.",
        "`studio check FILE` shows the rows without one.",
    ),
    (
        r"DatasetGenerationError|An error occurred while generating the dataset",
        'The reader gave up on a file; the cause stands in the lines above, or after "caused by".',
        "Paste the whole message, or run `studio check` on the file.",
    ),
)
_PATTERNS = tuple((re.compile(pattern), meaning, cure) for pattern, meaning, cure in _KNOWN)
_GENERAL = 6
"""How many entries at the end of the table speak only when no other does."""


def explain(text: str) -> list[Explanation]:
    """What the errors in a pasted text mean, in the order of their first words; [] when none is known."""
    found: list[tuple[int, Explanation]] = []
    taken: list[tuple[int, int]] = []
    for index, (pattern, meaning, cure) in enumerate(_PATTERNS):
        if found and index >= len(_PATTERNS) - _GENERAL:
            break
        hit = pattern.search(text)
        if hit is None or any(start < hit.end() and hit.start() < end for start, end in taken):
            continue
        taken.append(hit.span())
        found.append((hit.start(), Explanation(hit[0].strip(), meaning, cure)))
    return [explanation for _, explanation in sorted(found, key=lambda one: one[0])]
