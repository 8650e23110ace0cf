"""Chat models: any OpenAI-compatible endpoint and the embedded one, retries, and the ledger of paid replies.
Embeddings from such endpoints, kept as they are paid for.

Every model is a ``chat.ChatModel`` or an ``embeddings.EmbeddingModel``; failures are ``ModelError``, or
``PassingError`` where asking again may help. Nothing here imports openai, xllamacpp or a terminal at import time.
"""
