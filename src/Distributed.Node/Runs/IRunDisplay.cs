namespace Distributed.Node.Runs;

/// <summary>Shows a run to whoever started it. Used from one thread at a time.</summary>
public interface IRunDisplay : IDisposable
{
    /// <summary>A step is done, or what is known of it has grown (an evaluation came in).</summary>
    void Show(StepReport report);

    /// <summary>One line that should not be missed.</summary>
    void Notice(string line);
}
