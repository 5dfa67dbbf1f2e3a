using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>
/// The work of the default recipe's step, put to an engine through its port: 256 episodes of the search world (a prompt of 8 tokens, look-ups
/// of 5 sampled tokens answered by 10, an answer of 4), their scores, and one update on them.
/// </summary>
internal sealed class EngineWorkloads(IPolicyEngine engine)
{
    private const int Episodes = 256;
    private const int Turns = 4;
    private const int TurnTokens = 5;
    private const int ReplyTokens = 10;
    private const int PromptTokens = 8;
    private const int AnswerTokens = 4;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly int[][] _trajectories = [.. Enumerable.Range(0, Episodes).Select(episode => Tokens(engine.Limits.VocabularySize, episode, PromptTokens + (Turns - 1) * (TurnTokens + ReplyTokens) + AnswerTokens))];
    private long _sequences;

    /// <summary>Samples the turns of all episodes, replies appended as they would come; counts sampled and appended tokens.</summary>
    public long Rollout()
    {
        using var done = new CountdownEvent(Episodes);
        for (var episode = 0; episode < Episodes; episode++) Play(episode, Interlocked.Increment(ref _sequences), 0, done);
        Wait(done);
        return (long)Episodes * (PromptTokens + Turns * TurnTokens + (Turns - 1) * ReplyTokens);
    }

    /// <summary>Scores a wrapped answer after every boundary of all episodes in packed form; counts trajectory and branch tokens.</summary>
    public long ScorePacked()
    {
        using var done = new CountdownEvent(Episodes);
        foreach (var tokens in _trajectories) engine.Score(new ScoreRequest(tokens, [.. Boundaries().Select(Branch)]), Signal(done));
        Wait(done);
        return (long)Episodes * (Boundaries().Last() + Boundaries().Count() * AnswerTokens);
    }

    /// <summary>The same scores by one forward a boundary; counts the same tokens as <see cref="ScorePacked"/>, so that the two compare.</summary>
    public long ScoreNaively()
    {
        using var done = new CountdownEvent(Episodes * Boundaries().Count());
        foreach (var tokens in _trajectories)
            foreach (var boundary in Boundaries()) engine.Score(new ScoreRequest(tokens.AsMemory(0, boundary), [Branch(boundary)]), Signal(done));
        Wait(done);
        return (long)Episodes * (Boundaries().Last() + Boundaries().Count() * AnswerTokens);
    }

    /// <summary>One update on all episodes; counts tokens.</summary>
    public long Train()
    {
        using var done = new CountdownEvent(1);
        var sequences = _trajectories.Select(tokens => new TrainSequence(tokens, Targets().ToArray())).ToArray();
        engine.Train(new TrainRequest(sequences, new Unit(), new OptimizerOptions(1e-6f)), reply =>
        {
            Check(reply.Error);
            done.Signal();
        });
        Wait(done);
        return _trajectories.Sum(tokens => (long)tokens.Length);
    }

    private void Play(int episode, long sequence, int turn, CountdownEvent done)
    {
        var append = turn == 0 ? _trajectories[episode][..PromptTokens] : Tokens(engine.Limits.VocabularySize, episode + turn, ReplyTokens);
        engine.Generate(new GenerateRequest(sequence, append, new SamplingOptions(), (ulong)(episode * Turns + turn), TurnTokens, []), reply =>
        {
            Check(reply.Error);
            if (turn + 1 < Turns && reply.Finish == FinishReason.Length)
            {
                Play(episode, sequence, turn + 1, done);
                return;
            }

            engine.Release(sequence);
            done.Signal();
        });
    }

    private static IEnumerable<int> Boundaries() => Enumerable.Range(0, Turns).Select(turn => PromptTokens + turn * (TurnTokens + ReplyTokens));

    private static IEnumerable<int> Targets()
    {
        foreach (var boundary in Boundaries())
            for (var token = 0; token < (boundary == Boundaries().Last() ? AnswerTokens : TurnTokens); token++) yield return boundary + token;
    }

    private static ScoreBranch Branch(int position) => new(position, new[] { 7, 40, 50, 8 }, 1, 2);

    // Any tokens will do for timing; they only must be spread over the vocabulary and the same every time.
    private static int[] Tokens(int vocabulary, int seed, int count) => [.. Enumerable.Range(0, count).Select(index => (int)((uint)(seed * 7919 + index * 104729 + 13) % (uint)vocabulary))];

    private static Action<ScoreReply> Signal(CountdownEvent done) => reply =>
    {
        Check(reply.Error);
        done.Signal();
    };

    private static void Check(EngineError? error)
    {
        if (error != null) throw new InvalidOperationException(error.Message);
    }

    private static void Wait(CountdownEvent done)
    {
        if (!done.Wait(Limit)) throw new TimeoutException($"{done.CurrentCount} requests were not answered within {Limit}");
    }

    private sealed class Unit : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Fill(-1f / (Episodes * 20));
            return 0;
        }
    }
}
