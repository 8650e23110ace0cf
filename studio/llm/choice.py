"""Which chat model the settings mean."""

from __future__ import annotations

from studio.errors import UsageError
from studio.llm.chat import ChatModel
from studio.llm.embedded import Embedded
from studio.llm.embedded_server import MODEL_ID
from studio.llm.endpoints import preset_for
from studio.llm.openai_chat import OpenAIChat
from studio.settings import ModelSettings


def choose_model(settings: ModelSettings) -> ChatModel:
    """The endpoint at base_url, or the embedded model when there is none. Raises UsageError."""
    if not settings.base_url:
        return Embedded()
    if not settings.model:
        raise UsageError(
            f"Which model of {settings.base_url} shall answer?", hint="Give --model NAME, or model in studio.toml."
        )
    preset = preset_for(settings.base_url)
    variable = settings.api_key_env or (preset.api_key_env if preset else "")
    return OpenAIChat(settings.base_url, settings.model, api_key_env=variable)


def is_small(model: ChatModel) -> bool:
    """Whether a model needs the prompts for small models."""
    return model.model == MODEL_ID
