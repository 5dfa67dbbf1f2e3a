using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Scoring;

/// <summary>
/// Scores branches hung onto trajectories: each trajectory's tokens are computed once, up to its last branch, and every branch attends to its
/// prefix and to itself. The numbers equal those of separate forward passes to the bit and do not depend on what else is asked for. One
/// caller at a time.
/// </summary>
internal sealed class BranchScorer(PackedModel model, ComputePool pool) : IDisposable
{
    private readonly BranchPass?[] _passes = new BranchPass?[pool.Threads];

    /// <summary>Answers each request; a request that is wrong fails alone.</summary>
    /// <param name="requests">What to score.</param>
    /// <param name="version">The version of the weights, for the replies.</param>
    public ScoreReply[] Score(IReadOnlyList<ScoreRequest> requests, long version)
    {
        var replies = new ScoreReply[requests.Count];
        var complaints = new string?[requests.Count];
        for (var i = 0; i < requests.Count; i++)
            complaints[i] = BranchCheck.Complaint(requests[i], model.Config.VocabularySize, model.ContextLength);
        var bounds = PassBounds.Of(requests.Count, i => complaints[i] is null ? BranchPass.RowsOf(requests[i]) : 0, pool.Threads);
        var claimed = -1;
        try
        {
            pool.Run(thread =>
            {
                var pass = _passes[thread] ??= new BranchPass(model);
                for (int index; (index = Interlocked.Increment(ref claimed)) < bounds.Length - 1;)
                    pass.Run(requests, complaints, bounds[index], bounds[index + 1], replies, version);
            });
        }
        catch (Exception e)
        {
            for (var i = 0; i < replies.Length; i++)
                replies[i] ??= new ScoreReply(default, version, new EngineError($"The scores could not be computed: {e.Message}"));
        }

        return replies;
    }

    public void Dispose()
    {
        foreach (var pass in _passes)
            pass?.Dispose();
    }
}
