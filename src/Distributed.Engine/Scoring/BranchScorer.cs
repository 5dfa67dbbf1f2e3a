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
            complaints[i] = Complaint(requests[i]);
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

    private string? Complaint(ScoreRequest request)
    {
        var tokens = request.Tokens.Span;
        if (tokens.IsEmpty)
            return "The sequence to score has no tokens.";
        if (tokens.Length > model.ContextLength)
            return $"The sequence has {tokens.Length} tokens; the context holds {model.ContextLength}.";
        if (Unknown(tokens) is { } token)
            return $"The sequence has the token {token}; the vocabulary has {model.Config.VocabularySize}.";
        for (var i = 0; i < request.Branches.Count; i++)
        {
            var branch = request.Branches[i];
            if (branch.Position < 1 || branch.Position > tokens.Length)
                return $"Branch {i} has position {branch.Position}; it must lie between 1 and {tokens.Length}.";
            if (branch.SpanStart < 0 || branch.SpanLength < 1 || branch.SpanLength > branch.Tokens.Length - branch.SpanStart)
                return $"Branch {i} of {branch.Tokens.Length} tokens has the span [{branch.SpanStart}, +{branch.SpanLength}); it must lie inside and not be empty.";
            if (branch.Tokens.Length > model.ContextLength - branch.Position)
                return $"Branch {i} ends at token {branch.Position + branch.Tokens.Length}; the context holds {model.ContextLength}.";
            if (Unknown(branch.Tokens.Span) is { } unknown)
                return $"Branch {i} has the token {unknown}; the vocabulary has {model.Config.VocabularySize}.";
        }

        return null;
    }

    private int? Unknown(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            if ((uint)token >= (uint)model.Config.VocabularySize)
                return token;
        return null;
    }
}
