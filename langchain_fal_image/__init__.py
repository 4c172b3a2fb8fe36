"""fal.ai's image models as LangChain runnables and tools."""
