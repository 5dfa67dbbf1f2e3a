using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Scoring;

public sealed class HiddenStatesTests
{
    [Fact]
    public void Through_the_head_they_give_the_log_probabilities()
    {
        var config = TinyModels.Config();
        using var weights = TinyModels.Weights(config, 11);
        using var pool = new ComputePool(2);
        using var model = new PackedModel(weights);
        using var scorer = new SequenceScorer(model, pool);
        var random = new Random(3);
        TrainSequence[] sequences = [.. new[] { 30, 1, 90, 7 }.Select(length => new TrainSequence(
            TinyModels.Tokens(random, length, 37), length == 1 ? default : new[] { 1, length / 2, length - 1 }))];
        var states = scorer.HiddenStates(sequences);
        var logProbs = scorer.LogProbs(sequences).LogProbs;
        states.Error.ShouldBeNull();
        states.Width.ShouldBe(20);
        var embedding = weights.Tensor("model.embed_tokens.weight").ToArray();
        for (var i = 0; i < sequences.Length; i++)
        {
            states.States[i].Length.ShouldBe(20 * sequences[i].Targets.Length);
            for (var t = 0; t < sequences[i].Targets.Length; t++)
            {
                var state = states.States[i].Slice(20 * t, 20).ToArray();
                var logits = new double[37];
                for (var token = 0; token < 37; token++) logits[token] = Enumerable.Range(0, 20).Sum(k => (double)state[k] * embedding[token * 20 + k]);
                var target = sequences[i].Tokens.Span[sequences[i].Targets.Span[t]];
                (logits[target] - Math.Log(logits.Sum(Math.Exp))).ShouldBe(logProbs[i].Span[t], 1e-4);
            }
        }

        scorer.HiddenStates([new TrainSequence(new[] { 1, 99 }, new[] { 1 })]).Error.ShouldNotBeNull().Message.ShouldContain("token 99");
    }
}
