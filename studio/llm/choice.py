"""Which chat models, and which model of embeddings, the settings mean, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.errors import UsageError
from studio.llm.budget import Budget, Budgeted
from studio.llm.chat import ChatModel, Ruler
from studio.llm.embedded.model import Embedded
from studio.llm.embedded.server import MODEL_ID
from studio.llm.embedding.embedder import Embedder, VectorStore
from studio.llm.embedding.embeddings import OpenAIEmbeddings
from studio.llm.endpoints import preset_for
from studio.llm.ledger import LedgerChat, ReplyStore
from studio.llm.limits import Limits
from studio.llm.openai_chat import OpenAIChat, Timeouts
from studio.llm.pool import Pool
from studio.llm.prices import Prices
from studio.settings import EmbeddingsSettings, ModelSettings, Role, Settings


class Models:
    """The models of a project, one pool for each model at an address however many roles it has, until close().

    concurrency: requests in flight at most, at each endpoint.
    """

    def __init__(self, settings: Settings, concurrency: int) -> None:
        self._settings = settings
        self._concurrency = concurrency
        self._pools: dict[bytes, Pool] = {}

    def pool(self, role: Role) -> Pool:
        """The pool of a role's model, with its state and limits. Raises UsageError or ModelError for wrong settings."""
        chosen = self._settings.model_for(role)
        # The limits may change while it runs, and the rest is no matter of the endpoint.
        key = msgspec.json.encode(msgspec.structs.replace(chosen, rpm=0, tpm=0, profile="auto", thinking="drop"))
        if key not in self._pools:
            self._pools[key] = choose_model(chosen, self._concurrency)
        return self._pools[key]

    def ruler(self, role: Role) -> Ruler | None:
        """What tells the length of prompts and the context of a role's model: only the embedded one's are known."""
        return next((model for model in self.pool(role).models if isinstance(model, Embedded)), None)

    def change(self, settings: Settings, concurrency: int) -> None:
        """Use other settings from the next request, or the next roles(), on; requests in flight go on."""
        self._settings, self._concurrency = settings, concurrency
        # The teacher's limits last: where roles share a pool, they are the ones that count.
        for role in (*settings.roles, "teacher"):
            chosen = settings.model_for(role)
            self.pool(role).change(Limits(concurrency, chosen.rpm, chosen.tpm))

    def roles(self, roles: Iterable[Role], store: ReplyStore, budget: Budget, prices: Prices) -> dict[Role, ChatModel]:
        """A chain for each of the roles: ledger, then budget, then the pool. Replies from the ledger pass neither.

        Roles that share a pool share the chain. Raises what pool() raises, and UsageError for a cap in USD on a model
        whose price is not known: before anything is asked.
        """
        chains: dict[int, ChatModel] = {}
        return {role: self._chain(role, store, budget, prices, chains) for role in roles}

    async def close(self) -> None:
        """Let go of connections and children."""
        for pool in self._pools.values():
            await pool.close()

    def _chain(
        self, role: Role, store: ReplyStore, budget: Budget, prices: Prices, chains: dict[int, ChatModel]
    ) -> ChatModel:
        pool = self.pool(role)
        if id(pool) not in chains:
            price = prices.price(self._settings.model_for(role).base_url, pool.model)
            chains[id(pool)] = LedgerChat(Budgeted(pool, budget, price), store)
        return chains[id(pool)]


def choose_model(settings: ModelSettings, concurrency: int = 64) -> Pool:
    """The endpoints at base_url and endpoints, or the embedded model when there is no base_url.

    Raises UsageError without a model, ModelError for an address or key that cannot be used.
    """
    limits = Limits(concurrency, settings.rpm, settings.tpm)
    if not settings.base_url:
        return Pool([Embedded()], limits)
    if not settings.model:
        raise UsageError(
            f"Which model of {settings.base_url} shall answer?", hint="Give --model NAME, or model in studio.toml."
        )
    timeouts = Timeouts(first_token=settings.first_token, silence=settings.silence, total=settings.total)
    return Pool(
        [
            OpenAIChat(url, settings.model, api_key_env=_key_variable(settings, url), timeouts=timeouts)
            for url in dict.fromkeys((settings.base_url, *settings.endpoints))
        ],
        limits,
    )


def choose_embedder(settings: Settings, store: VectorStore, budget: Budget, prices: Prices) -> Embedder:
    """The model of [embeddings], for vectors of the space that the store is for.

    Raises UsageError without a model or an endpoint, and for a cap in USD without a price; ModelError for an address or
    key that cannot be used.
    """
    chosen = settings.embeddings_at()
    model = OpenAIEmbeddings(
        chosen.base_url,
        chosen.model,
        api_key_env=_key_variable(chosen, chosen.base_url),
        dimensions=chosen.dimensions,
        prefix=chosen.prefix,
        timeouts=Timeouts(total=settings.model.total),
    )
    limits = Limits(chosen.concurrency, chosen.rpm, chosen.tpm)
    price = prices.price(chosen.base_url, chosen.model)
    return Embedder(model, limits, budget, price, store, prefix_tokens=estimate_tokens(chosen.prefix))


def is_small(model: ChatModel) -> bool:
    """Whether a model needs the prompts for small models."""
    return model.model == MODEL_ID


def _key_variable(settings: ModelSettings | EmbeddingsSettings, url: str) -> str:
    preset = preset_for(url)
    return settings.api_key_env or (preset.api_key_env if preset else "")
