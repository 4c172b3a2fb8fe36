"""Speech as tones, and its transcription."""
