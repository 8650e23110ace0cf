"""Chat models: any OpenAI-compatible endpoint and the embedded one, retries, and the ledger of paid replies.

Every model is a ``chat.ChatModel``; failures are ``ModelError``, or ``PassingError`` where asking again may
help. Nothing here imports openai, xllamacpp or a terminal at import time.
"""
