"""tensorflow_gpt's turn in `python -m benchmarks training`: a step operation by operation, and as the graph that it runs as."""


def prepare_keras_eager(config, ids, targets):
    return prepare(config, ids, targets, compiled=False)


def prepare_keras(config, ids, targets):
    """What fit and the commands run. The first call makes the graph and is not timed."""
    return prepare(config, ids, targets, compiled=True)


def prepare(config, ids, targets, compiled):
    import tensorflow_gpt  # first: it silences TensorFlow's messages

    # isort: split
    import tensorflow as tf

    model = tensorflow_gpt.GPTModel(config)
    criterion, variables = tensorflow_gpt.cross_entropy(), model.trainable_variables
    ids, targets = tf.constant(ids), tf.constant(targets)
    found = []
    optimizer = None

    def gradients():
        with tf.GradientTape() as tape:
            loss = criterion(targets, model(ids, training=True))
        return tape.gradient(loss, variables)

    if compiled:
        gradients = tf.function(gradients)

    def step():
        found[:] = gradients()

    def apply(grads):
        optimizer.apply(grads, variables)

    if compiled:
        apply = tf.function(apply)

    def update():
        nonlocal optimizer
        optimizer = optimizer or tensorflow_gpt.AdamW(model.parameters())
        apply(found)

    return step, update
