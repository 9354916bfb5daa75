"""Long work in processes of their own. The owner's side is ``supervisor``, the worker's side ``reporter``.

A job is a row of the store and a command line. All that the two sides say to each other lies in ``HOME/jobs/<ID>/``:

=================  =========  ==========================================================================================
``spec.json``      owner      the job as the store has it, for those who cannot open the store
``progress.json``  worker     phase, fraction, remaining seconds, step, process, heartbeat, and how it ended
``control``        owner      what is asked of the worker: ``pause``, ``cancel`` (or ``resume``, ``discard`` of the owner)
``log.txt``        worker     everything it printed
``steps.jsonl``    worker     its steps, before they are sent to the inbox (``probes.jsonl`` likewise)
further files      worker     where the work goes on when the same command is started again
``lock``           worker     held while it works
=================  =========  ==========================================================================================

Nothing is imported here: a worker only pays for its own side.
"""
