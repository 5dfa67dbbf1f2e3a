using System.Collections.Concurrent;
using Distributed.Engine.Hosting;
using Distributed.Engine.Kernels;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

public sealed class TwoEnginesTests
{
    [Fact]
    public async Task Two_engines_at_work_at_once_compute_what_each_computes_alone()
    {
        byte[][] alone = [Work(1), Work(2)];
        var together = await Task.WhenAll(Task.Run(() => Work(1)), Task.Run(() => Work(2)));
        together[0].ShouldBe(alone[0]);
        together[1].ShouldBe(alone[1]);
        alone[0].ShouldNotBe(alone[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_pool_computes_on_as_many_threads_as_it_was_given_beside_another(int threads)
    {
        ConcurrentDictionary<int, bool>[] seen = [new(), new()];
        Parallel.Invoke(() => Fill(seen[0]), () => Fill(seen[1]));
        seen[0].Count.ShouldBe(threads);
        seen[1].Count.ShouldBe(threads);

        void Fill(ConcurrentDictionary<int, bool> ids)
        {
            using var pool = new ComputePool(threads);
            for (var round = 0; round < 300; round++)
                pool.Run(_ => ids[Environment.CurrentManagedThreadId] = true);
        }
    }

    private static byte[] Work(ulong seed)
    {
        using var fixture = new EngineFixture(new EngineOptions { Threads = 2 }, seed: seed);
        TrainSequence[] sequences = [new(new[] { 1, 2, 3, 4, 5, 6 }, new[] { 1, 2, 3 }), new(new[] { 9, 8, 7 }, new[] { 2 })];
        var bytes = new List<byte>();
        for (var step = 0; step < 8; step++)
        {
            fixture.Train().Error.ShouldBeNull();
            var scores = EngineFixture.Wait<LogProbsReply>(reply => fixture.Engine.LogProbs(sequences, reply));
            foreach (var values in scores.LogProbs)
                foreach (var value in values.ToArray())
                    bytes.AddRange(BitConverter.GetBytes(value));
            foreach (var token in fixture.Generate(step, [1, 2, 3], seed: (ulong)step).Tokens.ToArray())
                bytes.Add((byte)token);
        }

        bytes.AddRange(fixture.Weights().ToArray());
        return [.. bytes];
    }
}
