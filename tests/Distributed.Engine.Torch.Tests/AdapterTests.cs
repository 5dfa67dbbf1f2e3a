using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tests;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Training;
using Distributed.Engine.Torch.Hosting;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Tests;

/// <summary>Low-rank adapters and bfloat16.</summary>
public sealed class AdapterTests
{
    private const int Vocabulary = 37;

    [TorchFact]
    public void An_adapter_is_trained_as_the_managed_engine_trains_it_and_merges_to_the_same_model()
    {
        var config = TinyModels.Config(ModelFamily.Qwen2, tied: false);
        var adapter = LowRankAdapter.Random(config, new LoraOptions { Rank = 3, Alpha = 7, TargetModules = LoraOptions.KnownModules.ToArray() }, 5);
        var options = TorchFixture.Options with { Engine = new EngineOptions { Threads = 1, CacheBytes = 16 << 20, Adapter = adapter } };
        var (torch, managed) = TorchFixture.Pair(config, 8, options);
        using (torch)
        using (managed)
        {
            torch.Tensors.Select(tensor => tensor.Name).ShouldBe(managed.Tensors.Select(tensor => tensor.Name));
            var frozen = torch.Core.Model.Weights.Flat.cpu().data<float>().ToArray();
            var random = new Random(3);
            var sequences = new[] { 12, 30, 25 }.Select(length => TorchFixture.RandomSequence(random, length, Vocabulary)).ToArray();
            for (var step = 0; step < 4; step++)
            {
                var request = new TrainRequest(sequences, new MeanLoss(20), new OptimizerOptions(1e-2f));
                var (one, other) = (torch.Train(request), managed.Train(request));
                one.Loss.ShouldBe(other.Loss, 1e-4);
                one.GradNorm.ShouldBe(other.GradNorm, 1e-3 * other.GradNorm);
            }

            TorchFixture.Difference(torch.Weights(), managed.Weights()).ShouldBeLessThan(2e-3);
            torch.Core.Model.Weights.Flat.cpu().data<float>().ToArray().ShouldBe(frozen);
            torch.Weights().Length.ShouldBe((int)torch.Limits.ParameterCount);

            // Merged, the model answers as the adapted one does.
            var folder = Directory.CreateTempSubdirectory("torch-adapter-").FullName;
            TorchFixture.Wait<EngineError?>(reply => torch.SaveModel(folder, reply)).ShouldBeNull();
            using (var merged = ManagedPolicyEngine.Create(ModelFolder.Load(folder), () => new AlphabetTokenizer(Vocabulary), new EngineOptions { Threads = 1 }))
                TorchFixture.Difference(merged.LogProbs(sequences).LogProbs[1].Span, torch.LogProbs(sequences).LogProbs[1].Span).ShouldBeLessThan(1e-4);
            LowRankAdapter.Load(Path.Combine(folder, "adapter"), config).Options.Rank.ShouldBe(3);
            Directory.Delete(folder, recursive: true);
        }
    }

    [TorchFact]
    public void In_bfloat16_numbers_are_near_training_learns_and_weights_stay_float32()
    {
        var narrow = TorchFixture.Options with { Compute = ComputeType.BFloat16 };
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(ModelFamily.Qwen3), 8, narrow);
        using (torch)
        using (managed)
        {
            TorchFixture.Difference(torch.Weights(), managed.Weights()).ShouldBe(0);
            var random = new Random(3);
            var sequences = new[] { 12, 30, 25 }.Select(length => TorchFixture.RandomSequence(random, length, Vocabulary)).ToArray();
            var (one, other) = (torch.LogProbs(sequences), managed.LogProbs(sequences));
            for (var i = 0; i < sequences.Length; i++)
            {
                var difference = TorchFixture.Difference(one.LogProbs[i].Span, other.LogProbs[i].Span);
                difference.ShouldBeInRange(1e-6, 0.5);
            }

            var losses = new List<double>();
            for (var step = 0; step < 5; step++)
                losses.Add(torch.Train(new TrainRequest(sequences, new MeanLoss(20), new OptimizerOptions(3e-3f))).Loss);
            losses.ShouldBe(losses.OrderDescending());
            var reply = torch.Generate(TorchFixture.Request(1, [1, 2, 3], 10));
            var again = torch.LogProbs(new TrainSequence((int[])[1, 2, 3, .. reply.Tokens.Span], Enumerable.Range(3, 10).ToArray()));
            TorchFixture.Difference(again.LogProbs[0].Span, reply.LogProbs.Span).ShouldBeLessThan(0.3);
        }
    }
}
