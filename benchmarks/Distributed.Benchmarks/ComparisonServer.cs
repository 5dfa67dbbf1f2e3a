using System.Diagnostics;
using System.Globalization;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>
/// This engine's side of compare-torch.py: a command a line on standard input, "seconds value" on standard output. The work goes through
/// the engine's port, as everybody else's does. torch/reference.py knows the same commands.
/// </summary>
internal sealed class ComparisonServer(int threads) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private ManagedPolicyEngine? _engine;
    private long _sequences;

    private ManagedPolicyEngine Engine => _engine ?? throw new InvalidOperationException("make a model first");

    public void Serve(TextReader commands, TextWriter answers)
    {
        answers.WriteLine($"this engine on .NET {Environment.Version}, {threads} threads");
        answers.Flush();
        while (commands.ReadLine() is { } line)
        {
            answers.WriteLine(Answer(line.Split(' ')));
            answers.Flush();
        }
    }

    public void Dispose() => _engine?.Dispose();

    private string Answer(string[] words)
    {
        if (words[0] == "make")
        {
            Make(ComparisonShape.Of(words[1]), words[2]);
            return "ok";
        }

        var numbers = words[1..].Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        var (seconds, value) = words[0] switch
        {
            "loss" => Score(numbers[0], numbers[1], 1),
            "score" => Score(numbers[0], numbers[1], numbers[2]),
            "train" => Train(numbers[0], numbers[1], numbers[2]),
            "sample" => Sample(numbers[0], numbers[1], numbers[2]),
            _ => throw new ArgumentException($"'{words[0]}' is no command"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{seconds:F9} {value:G9}");
    }

    private void Make(ModelConfig config, string folder)
    {
        _engine?.Dispose();
        var path = Path.Combine(folder, "tokenizer.json");
        WordLevelTokenizerFile.Write(path, ["<unk>", .. Enumerable.Range(1, config.VocabularySize - 1).Select(id => $"w{id}")], [], "<unk>");
        _engine = ManagedPolicyEngine.Random(config, 1, Tokenizer.Load(path), new EngineOptions { Threads = threads });
        Await<EngineError?>(done => _engine.SaveModel(folder, done), error => error);
    }

    private (double Seconds, double Value) Score(int batch, int length, int steps)
    {
        var sequences = Sequences(batch, length + 1);
        double mean = 0;
        var began = Stopwatch.GetTimestamp();
        for (var step = 0; step < steps; step++)
        {
            var reply = Await<LogProbsReply>(done => Engine.LogProbs(sequences, done), answer => answer.Error);
            mean = reply.LogProbs.Sum(values => values.ToArray().Sum(value => (double)value)) / ((double)batch * length);
        }

        return (Stopwatch.GetElapsedTime(began).TotalSeconds, -mean);
    }

    private (double Seconds, double Value) Train(int batch, int length, int steps)
    {
        var request = new TrainRequest(Sequences(batch, length + 1), new MeanLoss(batch * length), new OptimizerOptions(1e-3f));
        double loss = 0;
        var began = Stopwatch.GetTimestamp();
        for (var step = 0; step < steps; step++)
            loss = Await<TrainReply>(done => Engine.Train(request, done), answer => answer.Error).Loss;
        return (Stopwatch.GetElapsedTime(began).TotalSeconds, loss);
    }

    private (double Seconds, double Value) Sample(int batch, int prompt, int count)
    {
        var replies = new GenerateReply[batch];
        var began = Stopwatch.GetTimestamp();
        using (var done = new CountdownEvent(batch))
        {
            for (var i = 0; i < batch; i++)
            {
                var index = i;
                var request = new GenerateRequest(++_sequences, Tokens(i, prompt), new SamplingOptions(), (ulong)_sequences, count, []);
                Engine.Generate(request, reply =>
                {
                    replies[index] = reply;
                    Engine.Release(reply.Sequence);
                    done.Signal();
                });
            }

            if (!done.Wait(Limit)) throw new TimeoutException("sampling did not end in time");
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        foreach (var reply in replies)
        {
            if (reply.Error is { } error) throw new InvalidOperationException(error.Message);
            if (reply.Tokens.Length != count) throw new InvalidOperationException($"{reply.Tokens.Length} of {count} tokens were sampled");
        }

        return (seconds, replies.Average(reply => reply.LogProbs.ToArray().Average()));
    }

    private TrainSequence[] Sequences(int batch, int length)
    {
        var targets = Enumerable.Range(1, length - 1).ToArray();
        return [.. Enumerable.Range(0, batch).Select(i => new TrainSequence(Tokens(i, length), targets))];
    }

    private int[] Tokens(int sequence, int length) =>
        [.. Enumerable.Range(0, length).Select(index => (int)(((sequence * 7919L) + (index * 104729L) + ((long)sequence * index * 31) + 13) % Engine.Limits.VocabularySize))];

    private static T Await<T>(Action<Action<T>> ask, Func<T, EngineError?> errorOf)
    {
        using var done = new ManualResetEventSlim();
        T? answer = default;
        ask(reply =>
        {
            answer = reply;
            done.Set();
        });
        if (!done.Wait(Limit)) throw new TimeoutException("the engine did not answer in time");
        if (errorOf(answer!) is { } error) throw new InvalidOperationException(error.Message);
        return answer!;
    }

    private sealed class MeanLoss(int targets) : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Fill(-1f / targets);
            double sum = 0;
            foreach (var value in logProbs) sum -= value;
            return sum / targets;
        }
    }
}
