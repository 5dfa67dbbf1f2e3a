using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Formats;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Hosting;
using Distributed.Engine.Tests.Model;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Adapters;

/// <summary>Adapters and frozen models through the engine's port.</summary>
public sealed class AdapterEngineTests
{
    private static readonly ModelConfig s_config = TinyModels.Config(ModelFamily.Qwen2);

    [Fact]
    public void An_engine_with_an_adapter_trains_lists_and_swaps_the_adapter_alone()
    {
        var adapter = AdapterFixture.Noise(s_config, AdapterFixture.Everywhere, 61);
        using var engine = new EngineFixture(new EngineOptions { Threads = 2, Adapter = adapter }, s_config);
        using var other = new EngineFixture(new EngineOptions { Threads = 2, Adapter = LowRankAdapter.Random(s_config, AdapterFixture.Everywhere, 1) }, s_config);
        engine.Engine.Tensors.ShouldBe(LowRankAdapter.TensorsFor(s_config, AdapterFixture.Everywhere), new SameTensor());
        engine.Engine.Limits.ParameterCount.ShouldBe(adapter.Weights.Length / 4);
        engine.Weights().Span.SequenceEqual(adapter.Weights.Span).ShouldBeTrue();

        var first = engine.Train();
        first.Applied.ShouldBeTrue();
        var last = first;
        for (var i = 0; i < 10; i++)
            last = engine.Train();
        last.Loss.ShouldBeLessThan(first.Loss);
        var state = EngineFixture.Wait<OptimizerState?>(reply => engine.Engine.ReadOptimizer((read, _) => reply(read)))!;
        state.FirstMoment.Length.ShouldBe(adapter.Weights.Length);

        var prompt = new[] { 4, 9, 30, 2, 17, 8 };
        var own = engine.Generate(1, prompt, 16, SamplingOptions.Greedy);
        other.Load(5, engine.Weights()).ShouldBeNull();
        var same = other.Generate(1, prompt, 16, SamplingOptions.Greedy);
        same.Tokens.ToArray().ShouldBe(own.Tokens.ToArray());
        same.LogProbs.ToArray().ShouldBe(own.LogProbs.ToArray());
        engine.Load(6, new byte[8])!.Message.ShouldContain("belong to another model");
    }

    [Fact]
    public void What_is_saved_is_the_merged_model_and_the_adapter_beside_it()
    {
        using var folder = new TemporaryFolder();
        var adapter = AdapterFixture.Noise(s_config, AdapterFixture.Everywhere, 71);
        using var engine = new EngineFixture(new EngineOptions { Threads = 1, Adapter = adapter }, s_config);
        EngineFixture.Wait<EngineError?>(reply => engine.Engine.SaveModel(folder.Path, reply)).ShouldBeNull();
        LowRankAdapter.Load(folder["adapter"], s_config).Weights.Span.SequenceEqual(adapter.Weights.Span).ShouldBeTrue();
        var merged = ModelFolder.Load(folder.Path);
        using var whole = ManagedPolicyEngine.Create(merged, () => new AlphabetTokenizer(s_config.VocabularySize), new EngineOptions { Threads = 1 });
        var request = EngineFixture.Request(1, [1, 2, 3, 4], 12, SamplingOptions.Greedy);
        var wanted = EngineFixture.Wait<GenerateReply>(reply => whole.Generate(request, reply));
        var own = engine.Generate(request);
        own.Tokens.ToArray().ShouldBe(wanted.Tokens.ToArray());
        for (var i = 0; i < own.LogProbs.Length; i++)
            own.LogProbs.Span[i].ShouldBe(wanted.LogProbs.Span[i], 2e-4f);
    }

    [Theory]
    [InlineData("llama/bf16")]
    [InlineData("qwen2/bf16")]
    [InlineData("qwen3/bf16")]
    public void A_model_kept_as_bfloat16_has_the_bits_of_the_same_model_kept_as_floats(string name)
    {
        var folder = Path.Combine(ModelFixture.Root, name);
        using var full = Open(folder, new EngineOptions { Threads = 2 });
        using var half = Open(folder, new EngineOptions { Threads = 2, Storage = WeightStorage.BFloat16 });
        var fixture = new ModelFixture(name);
        for (var i = 0; i < fixture.Inputs.Length; i++)
        {
            var request = EngineFixture.Request(i, fixture.Inputs[i], 12, new SamplingOptions(), seed: 9);
            var own = EngineFixture.Wait<GenerateReply>(reply => half.Generate(request, reply));
            var wanted = EngineFixture.Wait<GenerateReply>(reply => full.Generate(request, reply));
            own.Error.ShouldBeNull();
            own.Tokens.ToArray().ShouldBe(wanted.Tokens.ToArray());
            own.LogProbs.ToArray().ShouldBe(wanted.LogProbs.ToArray());
        }

        var sequences = fixture.Inputs.Select(ids => new TrainSequence(ids, Enumerable.Range(1, ids.Length - 1).ToArray())).ToArray();
        var (scored, same) = (Score(half), Score(full));
        for (var i = 0; i < scored.Count; i++)
            scored[i].ToArray().ShouldBe(same[i].ToArray());

        IReadOnlyList<ReadOnlyMemory<float>> Score(ManagedPolicyEngine engine) => EngineFixture.Wait<LogProbsReply>(reply => engine.LogProbs(sequences, reply)).LogProbs;
    }

    [Fact]
    public void A_model_kept_as_bfloat16_is_not_trained_itself_but_an_adapter_on_it_is()
    {
        var folder = Path.Combine(ModelFixture.Root, "qwen2", "bf16");
        using var frozen = Open(folder, new EngineOptions { Threads = 1, Storage = WeightStorage.BFloat16 });
        EngineFixture.Wait<TrainReply>(reply => frozen.Train(EngineFixture.TrainRequest(), reply)).Error!.Message.ShouldContain("bfloat16");
        EngineFixture.Wait<EngineError?>(reply => frozen.LoadWeights(1, new byte[4], reply))!.Message.ShouldContain("bfloat16");
        EngineFixture.Wait<EngineError?>(reply => frozen.ReadWeights((_, error) => reply(error)))!.Message.ShouldContain("bfloat16");

        var config = ConfigFile.Load(Path.Combine(folder, "config.json"));
        var adapter = LowRankAdapter.Random(config, new LoraOptions { Rank = 2, TargetModules = LoraOptions.KnownModules }, 5);
        using var half = Open(folder, new EngineOptions { Threads = 1, Storage = WeightStorage.BFloat16, Adapter = adapter });
        using var full = Open(folder, new EngineOptions { Threads = 1, Adapter = adapter });
        for (var i = 0; i < 3; i++)
        {
            var own = EngineFixture.Wait<TrainReply>(reply => half.Train(EngineFixture.TrainRequest(), reply));
            var wanted = EngineFixture.Wait<TrainReply>(reply => full.Train(EngineFixture.TrainRequest(), reply));
            own.Applied.ShouldBeTrue();
            (own.Loss / wanted.Loss).ShouldBe(1, 1e-5);
            (own.GradNorm / wanted.GradNorm).ShouldBe(1, 1e-4);
        }
    }

    [Fact]
    public void An_adapter_of_another_model_is_refused()
    {
        var adapter = LowRankAdapter.Random(s_config, new LoraOptions(), 1);
        var folder = Path.Combine(ModelFixture.Root, "qwen3");
        Should.Throw<ArgumentException>(() => Open(folder, new EngineOptions { Adapter = adapter }).Dispose()).Message.ShouldContain("belong to another model");
        Should.Throw<ArgumentException>(() => Open(folder, new EngineOptions { Adapter = adapter with { Options = new LoraOptions { TargetModules = ["c_attn"] } } }).Dispose())
            .Message.ShouldContain("target_modules has 'c_attn'");
    }

    private static ManagedPolicyEngine Open(string folder, EngineOptions options)
    {
        var loaded = LoadedModel.Load(folder, options);
        return ManagedPolicyEngine.Create(loaded, () => new AlphabetTokenizer(loaded.Packed.Config.VocabularySize), options);
    }

    private sealed class SameTensor : IEqualityComparer<TensorShape>
    {
        public bool Equals(TensorShape? x, TensorShape? y) => x!.Name == y!.Name && x.Shape.SequenceEqual(y.Shape);

        public int GetHashCode(TensorShape tensor) => tensor.Name.GetHashCode(StringComparison.Ordinal);
    }
}
