using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Environments;

namespace Distributed.Benchmarks;

/// <summary>Times the phases of the default recipe's step.</summary>
internal static class PhaseBenchmark
{
    public static void Run(int rounds, string folder)
    {
        var path = Path.Combine(folder, "tokenizer.json");
        WordLevelTokenizerFile.Write(path, SearchVocabulary.Words, SearchVocabulary.Specials, SearchVocabulary.Unknown);
        var tokenizer = Tokenizer.Load(path);
        // The shape of the default recipe's policy.
        var config = new ModelConfig
        {
            HiddenSize = 128,
            Layers = 4,
            Heads = 4,
            KeyValueHeads = 2,
            HeadSize = 32,
            IntermediateSize = 352,
            VocabularySize = SearchVocabulary.Words.Length,
            MaxPositions = 256,
        };
        using var one = ManagedPolicyEngine.Random(config, 1, tokenizer, new EngineOptions { Threads = 1 });
        using var two = ManagedPolicyEngine.Random(config, 1, tokenizer, new EngineOptions { Threads = 2 });
        var (single, both) = (new EngineWorkloads(one), new EngineWorkloads(two));
        PairedRounds.Print("Phases of a step of 256 episodes", "tokens/s", PairedRounds.Measure(rounds,
            new Contender("train, 1 thread", single.Train),
            new Contender("train, 2 threads", both.Train),
            new Contender("rollout, 1 thread", single.Rollout),
            new Contender("rollout, 2 threads", both.Rollout),
            new Contender("score, 1 thread", single.ScorePacked),
            new Contender("score, 2 threads", both.ScorePacked)));
        PairedRounds.Print("Information gain of 256 episodes, 2 threads", "tokens/s", PairedRounds.Measure(rounds,
            new Contender("naive: one forward a boundary", both.ScoreNaively),
            new Contender("packed: one forward a trajectory", both.ScorePacked)));
    }
}
