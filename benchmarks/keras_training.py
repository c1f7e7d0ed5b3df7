"""tensorflow_gpt's turn in `python -m benchmarks training`: a step operation by operation, and as the graphs that it runs in."""


def prepare_keras_eager(config, ids, targets):
    import tensorflow as tf

    import tensorflow_gpt

    model = tensorflow_gpt.GPTModel(config)
    criterion, variables = tensorflow_gpt.cross_entropy(), model.trainable_variables
    ids, targets = tf.constant(ids), tf.constant(targets)
    optimizer, grads = None, []

    def step():
        with tf.GradientTape() as tape:
            loss = criterion(targets, model(ids, training=True))
        grads[:] = tape.gradient(loss, variables)
        return grads

    def update():
        nonlocal optimizer
        optimizer = optimizer or tensorflow_gpt.AdamW(model.parameters())
        optimizer.apply(grads, variables)

    return step, update


def prepare_keras(config, ids, targets):
    """The same as graphs, which is what fit and the commands run; the first, which makes them, is not timed."""
    import tensorflow as tf

    step, update = prepare_keras_eager(config, ids, targets)
    return tf.function(step), update
