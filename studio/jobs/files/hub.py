"""Sending a written export to the Hugging Face Hub.

The folder goes up as it is, without what was held back, and each dataset type once more through `datasets`, as a
config with the splits train, validation and test that `datasets.load_dataset(REPO, TYPE)` reads.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.alpaca.card import MARK, PartFile
from studio.alpaca.dataset_info import FILE_NAME, encode
from studio.alpaca.export_rows import shapes
from studio.errors import StudioError
from studio.jobs.events import Events, Progressed, Pushed
from studio.store.files import export_folder
from studio.store.files.writers import arrow_schema

TOKEN = "HF_TOKEN"
"""The one place a token is taken from; it is never kept, and told to nobody but the Hub."""

_CARD = "README.md"


def push(out: Path, name: str, repo: str, *, private: bool) -> Events:
    """Progressed events, then Pushed. name: of the export in the folder out. repo: USER/NAME, or NAME for one's own.

    private: how to make the repository if there is none. A README.md there that a person wrote stays as it is.
    Raises StudioError when there is no token, no network, or no right to write there.
    """
    token = os.environ.get(TOKEN, "")
    if not token:
        raise StudioError(
            f"There is no token in {TOKEN}. Nothing was sent; the export is in {out}.",
            title="Not pushed",
            hint=f"Make one that may write at https://huggingface.co/settings/tokens, then: export {TOKEN}=...",
        )
    files = export_folder.verified(out, name)
    # Half a second to import.
    import datasets
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # They would paint over the screens.
    disable_progress_bars()
    datasets.disable_progress_bars()
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with _explained(repo, out), tempfile.TemporaryDirectory() as scratch:
        api = huggingface_hub.HfApi(token=token)
        place = api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        card = _merged(_card_of(out, files), _card_there(api, place.repo_id, Path(scratch)))
        sent = {path: out / path for path in files if path != FILE_NAME and not path.startswith("README")}
        operations = [huggingface_hub.CommitOperationAdd(path, file) for path, file in sent.items()]
        operations.append(huggingface_hub.CommitOperationAdd(FILE_NAME, _own_entries(out, files)))
        if card:
            operations.append(huggingface_hub.CommitOperationAdd(_CARD, card.encode()))
        yield Progressed(0, len(operations), "files")
        api.create_commit(place.repo_id, operations, commit_message="Upload an export", repo_type="dataset")
        types: dict[str, list[str]] = {}
        for path, told in files.items():
            if "type" in told:
                types.setdefault(told["type"], []).append(path)
        for done, (type, paths) in enumerate(types.items()):
            yield Progressed(done, len(types), "types")
            splits = {_split(files[path]): _loaded(out / path, files[path], scratch) for path in paths}
            datasets.DatasetDict(splits).push_to_hub(
                place.repo_id,
                config_name=type,
                private=private,
                token=token,
                commit_message=f"Upload {type}",
                embed_external_files=False,
            )
        yield Pushed(f"{api.endpoint}/datasets/{place.repo_id}", len(operations), bool(card))


def _split(told: dict[str, Any]) -> str:
    return PartFile(told["type"], told["part"], "", "", 0).split


def _loaded(path: Path, told: dict[str, Any], scratch: str) -> Any:
    """The file as a Dataset. With its types given, as they are the same in every split and not guessed from rows."""
    import datasets

    schema = arrow_schema(shapes(told["type"], told["columns"], told["formatting"]))
    return datasets.load_dataset(
        "parquet" if path.suffix == ".parquet" else "json",
        data_files=str(path),
        split="train",
        features=datasets.Features.from_arrow_schema(schema),
        cache_dir=scratch,
    )


def _card_there(api: Any, repo: str, scratch: Path) -> str:
    """The README.md the repository has, "" without one."""
    from huggingface_hub.errors import EntryNotFoundError

    try:
        found = api.hf_hub_download(repo, _CARD, repo_type="dataset", local_dir=scratch)
    except EntryNotFoundError:
        return ""
    return Path(found).read_text("utf-8")


def _card_of(out: Path, files: Iterable[str]) -> str:
    """The folder's card: its README.md, which a person may have made their own, else the one the export wrote."""
    names = [_CARD, *(path for path in files if path.startswith("README"))]
    found = next((out / name for name in names if (out / name).is_file()), None)
    return found.read_text("utf-8") if found else ""


def _merged(ours: str, there: str) -> str:
    """Our card with its metadata over what the Hub has; "" when the card there is somebody's own words."""
    from huggingface_hub import DatasetCard, DatasetCardData

    known = DatasetCard(there) if there else None
    if not ours or (known and known.text.strip() and MARK not in known.text):
        return ""
    card = DatasetCard(ours)
    told = {key: value for key, value in vars(card.data).items() if value is not None}
    # Which file is which split, pushing the types tells.
    told.pop("configs", None)
    card.data = DatasetCardData(**{**(vars(known.data) if known else {}), **told})
    return str(card)


def _own_entries(out: Path, files: Mapping[str, Mapping[str, Any]]) -> bytes:
    """dataset_info.json with the entries of what is sent; those of others in the folder are their business."""
    own = {told.get("dataset") for told in files.values()}
    return encode({name: entry for name, entry in export_folder.entries(out).items() if name in own})


@contextlib.contextmanager
def _explained(repo: str, out: Path) -> Iterator[None]:
    """What the Hub's libraries raise, in words. Their messages are not passed on: requests hold the token."""
    from huggingface_hub import errors

    kept = f"The export is in {out}, whole; pushing again goes on."
    try:
        yield
    except errors.HFValidationError:
        raise StudioError(f"{repo!r} is no name of a repository. {kept}", hint="Write USER/NAME.") from None
    except errors.OfflineModeIsEnabled:
        raise StudioError(f"HF_HUB_OFFLINE is set. {kept}", hint="Unset it to push.") from None
    except errors.HfHubHTTPError as error:
        code = error.response.status_code
        said = {
            401: f"The Hub does not accept the token in {TOKEN}",
            403: f"The token in {TOKEN} may not write to {repo}",
            404: f"The Hub knows no {repo} that this token may see",
        }.get(code, f"The Hub answered {code}")
        raise StudioError(
            f"{said}. {kept}", title="Not pushed", hint="The token must have the right to write there."
        ) from None
    except (errors.HTTPError, ConnectionError):  # type: ignore[attr-defined]  # of whichever library it goes by
        raise StudioError(
            f"The Hub cannot be reached. {kept}",
            title="Not pushed",
            hint="Look to the network, or to HF_ENDPOINT.",
        ) from None
