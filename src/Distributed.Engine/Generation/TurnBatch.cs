using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>The turns under way and what a step of all of them needs.</summary>
internal sealed class TurnBatch : IPhasedWork, IDisposable
{
    private readonly ModelConfig _config;
    private readonly int _contextLength;
    private readonly StepTeam _team;
    private readonly IStepBatch _batch;
    private readonly TokenSampler[] _samplers;
    private readonly List<Turn> _fed = [];
    private readonly List<int> _counts = [];
    private readonly List<Turn> _sampling = [];
    private long _tokensSampled;
    private long _tokensFed;

    /// <summary>A batch without turns.</summary>
    /// <param name="config">The model's.</param>
    /// <param name="contextLength">Longest sequence.</param>
    /// <param name="team">Draws the tokens.</param>
    /// <param name="batch">Works out the logits; taken over.</param>
    public TurnBatch(ModelConfig config, int contextLength, StepTeam team, IStepBatch batch)
    {
        (_config, _contextLength, _team, _batch) = (config, contextLength, team, batch);
        _samplers = new TokenSampler[team.Threads];
        for (var thread = 0; thread < team.Threads; thread++)
            _samplers[thread] = new TokenSampler(config.VocabularySize);
    }

    /// <summary>Turns under way.</summary>
    public List<Turn> Turns { get; } = [];

    /// <summary>Tokens sampled so far; safe to read from any thread.</summary>
    public long TokensSampled => Volatile.Read(ref _tokensSampled);

    /// <summary>Tokens run through the model without having been sampled by the same request; safe to read from any thread.</summary>
    public long TokensFed => Volatile.Read(ref _tokensFed);

    /// <summary>One token for every turn that has been fed all of its tokens, and more feeding for the others.</summary>
    public void Step()
    {
        Plan();
        _batch.Run();
        for (var i = 0; i < _fed.Count; i++)
            _fed[i].Cache.MarkCached(_counts[i]);
        _team.Run(this, _sampling.Count);
        Volatile.Write(ref _tokensSampled, _tokensSampled + _sampling.Count);
    }

    void IPhasedWork.Do(int chunk, int thread, long phase) =>
        _sampling[chunk].Take(
            _batch.Drawn(chunk) ?? _samplers[thread].Sample(_batch.Logits(chunk), _sampling[chunk].Request.Sampling, _sampling[chunk].NextUniform), _config.EndTokens, _contextLength);

    public void Dispose()
    {
        _batch.Dispose();
        foreach (var sampler in _samplers)
            sampler.Dispose();
    }

    private void Plan()
    {
        _batch.Clear();
        _fed.Clear();
        _counts.Clear();
        _sampling.Clear();
        foreach (var turn in Turns)
        {
            if (turn.Leader is null)
                _fed.Add(turn);
        }

        // One row each, and what is spare to whoever has more to be fed, first come first served.
        var spare = _batch.MaxRows - _fed.Count;
        foreach (var turn in _fed)
        {
            var waiting = turn.Cache.Length - turn.Cache.Cached;
            var count = 1 + Math.Min(waiting - 1, spare);
            spare -= count - 1;
            _counts.Add(count);
            _batch.Add(turn.Cache, count, wantsLogits: count == waiting);
            if (count == waiting)
            {
                _batch.WillDraw(turn.Request.Sampling, turn.NextUniform);
                _sampling.Add(turn);
            }

            // The last token that a turn sampled itself is fed to sample the next; all others count.
            Volatile.Write(ref _tokensFed, _tokensFed + count - (turn.Count > 0 && count == waiting ? 1 : 0));
        }
    }
}
