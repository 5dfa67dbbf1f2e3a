using System.Diagnostics;
using Distributed.Node.Composition;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.WarmStarts;
using Distributed.Ports;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Simulation;

/// <summary>
/// Measures the cost model of a recipe on this machine: its engine plays, scores and trains the recipe's own held-out episodes. What one machine cannot show (links, restarts)
/// stays as it was.
/// </summary>
internal sealed class CostMeasurement(Recipe recipe, RunParts parts, CancellationToken cancel)
{
    private const int LongPrompt = 8; // prompts in a row, to time the reading of tokens

    /// <summary>Measures; takes some seconds to minutes, by the model.</summary>
    /// <param name="recipe">The effective recipe.</param>
    /// <param name="assumed">What is not measured.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="RefusedException">The recipe or the engine refused.</exception>
    public static CostModel Of(Recipe recipe, CostModel assumed, CancellationToken cancel)
    {
        using var parts = RunParts.Create(recipe, rollouts: 1, scorers: 0);
        return new CostMeasurement(recipe, parts, cancel).Measure(assumed);
    }

    private CostModel Measure(CostModel assumed)
    {
        var engine = parts.Rollouts[0];
        var format = parts.Environment.Format;
        var perNode = recipe.Cluster.EpisodesPerNode!.Value;
        var watch = new WatchedEngine(engine);
        var tools = new WatchedTools(parts.Episodes);
        var count = (int)Math.Min(perNode, parts.Environment.Count(Split.HeldOut));
        Play(watch, tools, Math.Min(2, count)); // compiles, fills caches
        Play(watch, tools, 1); // alone
        var perEpisode = watch.Turns.Sum(turn => turn.Sampled) / watch.Turns.Sum(turn => turn.Seconds);
        var together = Play(watch, tools, count);
        var (turns, steps) = (watch.Turns.ToArray(), tools.Seconds.ToArray());
        var sequences = together.Episodes.Select(Sequence).ToArray();
        var tokens = sequences.Sum(sequence => sequence.Tokens.Length);
        var prompts = together.Episodes.Select(episode => parts.Model.Tokenizer.Encode(episode.Problem.Prompt)).ToArray();
        var replies = together.Episodes.SelectMany(episode => episode.Turns).Where(turn => turn.Observation != null).Select(turn => (double)parts.Model.Tokenizer.Encode(turn.Observation!).Length).ToArray();
        var (turnTokens, turnSigma) = LogNormal(turns.Select(turn => (double)Math.Max(1, turn.Sampled)));
        var (toolSeconds, toolSigma) = LogNormal(steps.Select(seconds => Math.Max(1e-6, seconds)));
        var weights = EngineCalls.ReadWeights(parts.Learner, cancel);
        return assumed with
        {
            EpisodesPerNode = perNode,
            RolloutTokensPerSecond = turns.Sum(turn => turn.Sampled) / together.Seconds,
            EpisodeTokensPerSecond = perEpisode,
            PrefillTokensPerSecond = Prefill(engine, prompts[0], format),
            ScoreTokensPerSecond = tokens / Seconds(() => Score(engine, sequences)),
            TrainTokensPerSecond = tokens / Seconds(() => Train(sequences)),
            MeanTurns = together.Episodes.Average(episode => (double)episode.Turns.Count),
            MaxTurns = format.MaxTurns,
            TurnTokens = turnTokens,
            TurnTokensSigma = turnSigma,
            PromptTokens = (int)Math.Round(prompts.Average(prompt => prompt.Length)),
            ReplyTokens = (int)Math.Round(replies.DefaultIfEmpty(0).Average()),
            ToolSeconds = toolSeconds,
            ToolSigma = toolSigma,
            WeightBytes = weights.Length,
            LoadSeconds = Seconds(() => EngineCalls.LoadWeights(engine, 1, weights, cancel)),
            CheckpointSeconds = Seconds(() => WriteOut(weights)),
        };
    }

    private (IReadOnlyList<EvaluatedEpisode> Episodes, double Seconds) Play(WatchedEngine engine, WatchedTools tools, int count)
    {
        engine.Turns.Clear();
        tools.Seconds.Clear();
        IReadOnlyList<EvaluatedEpisode> episodes = [];
        var seconds = Seconds(() => episodes = new HeldOutEvaluator(engine, parts.Model.Tokenizer, parts.Environment, tools).Ask(HeldOutEvaluator.FirstQuestions(parts.Environment, count), cancel));
        return (episodes, seconds);
    }

    // Reads a long prompt and samples one token of it.
    private double Prefill(IPolicyEngine engine, int[] prompt, EnvironmentFormat format)
    {
        var fits = Math.Max(1, Math.Min(LongPrompt, (engine.Limits.ContextLength - 2) / prompt.Length));
        int[] append = [.. Enumerable.Repeat(prompt, fits).SelectMany(tokens => tokens)];
        var seconds = Seconds(() => EngineCalls.Generate(engine, new GenerateRequest(long.MaxValue, append, SamplingOptions.Greedy, 0, 1, format.StopStrings), cancel));
        engine.Release(long.MaxValue);
        return append.Length / seconds;
    }

    // The whole trajectory once, with the answer hung on behind it.
    private void Score(IPolicyEngine engine, TrainSequence[] sequences)
    {
        foreach (var sequence in sequences)
            EngineCalls.Score(engine, new ScoreRequest(sequence.Tokens, [new ScoreBranch(sequence.Tokens.Length, sequence.Tokens[..1], 0, 1)]), cancel);
    }

    private void Train(TrainSequence[] sequences) =>
        EngineCalls.Train(parts.Learner, new TrainRequest(sequences, new CrossEntropyLoss(sequences.Sum(sequence => sequence.Targets.Length)), new OptimizerOptions(1e-6f)), cancel);

    private TrainSequence Sequence(EvaluatedEpisode episode)
    {
        List<int> tokens = [.. parts.Model.Tokenizer.Encode(episode.Problem.Prompt)];
        var targets = new List<int>();
        foreach (var (action, observation) in episode.Turns)
        {
            var sampled = parts.Model.Tokenizer.Encode(action);
            targets.AddRange(Enumerable.Range(tokens.Count, sampled.Length));
            tokens.AddRange(sampled);
            if (observation != null) tokens.AddRange(parts.Model.Tokenizer.Encode(observation));
        }

        return new TrainSequence(tokens.ToArray(), targets.ToArray());
    }

    // Weights and both moments, to the disk.
    private static void WriteOut(ReadOnlyMemory<byte> weights)
    {
        var path = Path.GetTempFileName();
        try
        {
            using var file = new FileStream(path, FileMode.Create);
            for (var part = 0; part < 3; part++) file.Write(weights.Span);
            file.Flush(flushToDisk: true);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Seconds(Action work)
    {
        var began = Stopwatch.GetTimestamp();
        work();
        return Math.Max(1e-6, Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    // Median, and standard deviation of the logarithm.
    private static (double Median, double Sigma) LogNormal(IEnumerable<double> values)
    {
        var logs = values.Select(value => Math.Log(value)).Order().ToArray();
        if (logs.Length == 0) return (1e-6, 0);
        var mean = logs.Average();
        return (Math.Exp(logs[logs.Length / 2]), Math.Sqrt(logs.Average(log => (log - mean) * (log - mean))));
    }

    private sealed class WatchedEngine(IPolicyEngine engine) : IPolicyEngine
    {
        public List<(int Sampled, double Seconds)> Turns { get; } = [];

        public EngineLimits Limits => engine.Limits;

        public long WeightsVersion => engine.WeightsVersion;

        public IReadOnlyList<TensorShape> Tensors => engine.Tensors;

        public void Generate(GenerateRequest request, Action<GenerateReply> reply)
        {
            var began = Stopwatch.GetTimestamp();
            engine.Generate(request, answer =>
            {
                lock (Turns) Turns.Add((answer.Tokens.Length, Stopwatch.GetElapsedTime(began).TotalSeconds));
                reply(answer);
            });
        }

        public void Release(long sequence) => engine.Release(sequence);

        public void Score(ScoreRequest request, Action<ScoreReply> reply) => engine.Score(request, reply);

        public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => engine.LogProbs(sequences, reply);

        public void Train(TrainRequest request, Action<TrainReply> reply) => engine.Train(request, reply);

        public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) => engine.LoadWeights(version, weights, reply);

        public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => engine.ReadWeights(reply);

        public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => engine.ReadOptimizer(reply);

        public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => engine.LoadOptimizer(state, reply);

        public void Dispose() { }
    }

    private sealed class WatchedTools(IEpisodeHost host) : IEpisodeHost
    {
        public List<double> Seconds { get; } = [];

        public EpisodeHostCounters Counters => host.Counters;

        public void Step(IEpisode episode, string action, TimeSpan limit, Action<StepResult> reply)
        {
            var began = Stopwatch.GetTimestamp();
            host.Step(episode, action, limit, result =>
            {
                lock (Seconds) Seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
                reply(result);
            });
        }

        public void End(IEpisode episode) => host.End(episode);

        public void Dispose() { }
    }
}
