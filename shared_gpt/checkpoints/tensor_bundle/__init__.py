"""TensorFlow's checkpoints, which OpenAI released GPT-2 in, read and written without TensorFlow."""
