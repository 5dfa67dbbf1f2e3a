using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>
/// What a learner's node must not forget when its actors crash: how many lives there were, under which epoch the last one ran, and whether the
/// run was asked to stop or has ended. Given to the actors from outside; used by one actor at a time.
/// </summary>
/// <param name="lastEpoch">The highest epoch any learner of this run is known to have used.</param>
/// <param name="beginning">
/// Told of an epoch before anyone else hears of it; makes it outlive the process, so that no later learner of the run uses it again. What it throws
/// ends the life before it has begun.
/// </param>
public sealed class LearnerLives(long lastEpoch = 0, Action<LearnerEpoch>? beginning = null)
{
    private int _saves;

    /// <summary>Lives begun in this process.</summary>
    public int Count { get; private set; }

    /// <summary>Epoch of the latest life.</summary>
    public LearnerEpoch Epoch { get; private set; } = new(lastEpoch);

    /// <summary>Someone asked the run to stop.</summary>
    public bool StopWanted { get; set; }

    /// <summary>The end of the run has been reported.</summary>
    public bool Ended { get; set; }

    /// <summary>
    /// Checkpoints that a life has asked for and that are not answered yet. One that is written after its life has ended would become the newest, so no
    /// other life begins before.
    /// </summary>
    public int SavesUnderWay => Volatile.Read(ref _saves);

    /// <summary>A life asks for a checkpoint to be saved.</summary>
    public void SaveBegins() => Interlocked.Increment(ref _saves);

    /// <summary>It is answered; on any thread.</summary>
    public void SaveEnds() => Interlocked.Decrement(ref _saves);

    /// <summary>Begins a life under an epoch above every earlier one and above the checkpoint's it begins at.</summary>
    public LearnerEpoch Begin(LearnerEpoch ofCheckpoint)
    {
        Count++;
        Epoch = new LearnerEpoch(Math.Max(Epoch.Value, ofCheckpoint.Value) + 1);
        beginning?.Invoke(Epoch);
        return Epoch;
    }
}
