using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>
/// Saves a checkpoint only after everything that was reported before it stands in the run's files, so that the files of a run never know less than
/// its newest checkpoint.
/// </summary>
internal sealed class RecordedCheckpoints(ICheckpointStore store, RunRecorder recorder) : ICheckpointStore
{
    /// <inheritdoc/>
    public void Save(Checkpoint checkpoint, Action<EngineError?> reply)
    {
        if (!recorder.AfterAllReported(() => store.Save(checkpoint, reply)))
            reply(new EngineError($"the checkpoint of step {checkpoint.Version} is left out: the run's files cannot be written"));
    }

    /// <inheritdoc/>
    public Checkpoint? LoadNewest(Action<string> warn) => store.LoadNewest(warn);
}
