using Distributed.Ports;

namespace Distributed.Simulation.World;

/// <summary>A turn that is being sampled: every token by the weights in use when its time comes.</summary>
internal sealed class Sampling
{
    private readonly GenerateRequest _request;
    private readonly IReadOnlyList<int> _context;
    private readonly long _begun;
    private readonly List<float> _logProbs;
    private readonly List<VersionRun> _runs;
    private FinishReason _finish;

    public Sampling(GenerateRequest request, IReadOnlyList<int> context, long version, ulong weights, long nowTicks)
    {
        (_request, _context, _begun) = (request, context, nowTicks);
        var state = StateUnder(weights);
        (var text, _finish) = HashPolicy.Turn(state);
        Tokens = [.. text.Select(letter => (int)letter)];
        _logProbs = [.. Tokens.Select((_, index) => HashPolicy.LogProb(state, index))];
        _runs = [new VersionRun(version, Tokens.Count)];
    }

    public List<int> Tokens { get; }

    public long EndsAt { get; set; }

    public bool IsPartial => _request.PartialRollout;

    /// <summary>New weights are in use from now on: the tokens not sampled yet come from them.</summary>
    public void SwapTo(long version, ulong weights, long nowTicks)
    {
        var done = Math.Clamp((int)((double)(nowTicks - _begun) / Math.Max(1, EndsAt - _begun) * Tokens.Count), 1, Tokens.Count);
        var state = StateUnder(weights);
        var (text, finish) = HashPolicy.Turn(state);
        if (done >= Tokens.Count || text.Length <= done) return;
        Tokens.RemoveRange(done, Tokens.Count - done);
        _logProbs.RemoveRange(done, _logProbs.Count - done);
        Tokens.AddRange(text[done..].Select(letter => (int)letter));
        _logProbs.AddRange(Enumerable.Range(done, text.Length - done).Select(index => HashPolicy.LogProb(state, index)));
        _finish = finish;
        TrimRuns(done);
        _runs.Add(new VersionRun(version, text.Length - done));
    }

    public GenerateReply Reply() => new(_request.Sequence, Tokens.ToArray(), _logProbs.ToArray(), _runs[^1].Version, _finish) { Versions = _runs };

    private ulong StateUnder(ulong weights) => HashPolicy.TurnState(weights, _context, greedy: _request.Sampling.Temperature <= 0, _request.Seed);

    private void TrimRuns(int tokens)
    {
        for (var run = 0; run < _runs.Count; run++)
        {
            var kept = Math.Min(tokens, _runs[run].Tokens);
            tokens -= kept;
            _runs[run] = _runs[run] with { Tokens = kept };
        }

        _runs.RemoveAll(run => run.Tokens == 0);
    }
}
