using Distributed.Ports;

namespace Distributed.Node.Evaluation;

/// <summary>Asks an engine and waits for the answer, for callers that have a thread to spare. What goes wrong is thrown as one line.</summary>
internal static class EngineCalls
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromMinutes(10);

    public static TrainReply Train(IPolicyEngine engine, TrainRequest request, CancellationToken cancel)
    {
        var reply = Await<TrainReply>("train", answer => engine.Train(request, answer), cancel);
        Check(reply.Error);
        return reply;
    }

    public static GenerateReply Generate(IPolicyEngine engine, GenerateRequest request, CancellationToken cancel)
    {
        var reply = Await<GenerateReply>("sample", answer => engine.Generate(request, answer), cancel);
        Check(reply.Error);
        return reply;
    }

    public static ScoreReply Score(IPolicyEngine engine, ScoreRequest request, CancellationToken cancel)
    {
        var reply = Await<ScoreReply>("score", answer => engine.Score(request, answer), cancel);
        Check(reply.Error);
        return reply;
    }

    public static ReadOnlyMemory<byte> ReadWeights(IPolicyEngine engine, CancellationToken cancel)
    {
        var (weights, error) = Await<(ReadOnlyMemory<byte>, EngineError?)>("read weights", answer => engine.ReadWeights((w, e) => answer((w, e))), cancel);
        Check(error);
        return weights;
    }

    public static void LoadWeights(IPolicyEngine engine, long version, ReadOnlyMemory<byte> weights, CancellationToken cancel) =>
        Check(Await<Answer>("load weights", answer => engine.LoadWeights(version, weights, e => answer(new(e))), cancel).Error);

    public static void ResetOptimizer(IPolicyEngine engine, CancellationToken cancel) =>
        Check(Await<Answer>("reset the optimizer", answer => engine.LoadOptimizer(null, e => answer(new(e))), cancel).Error);

    private static T Await<T>(string what, Action<Action<T>> ask, CancellationToken cancel)
    {
        var answered = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        ask(reply => answered.TrySetResult(reply));
        return answered.Task.Wait(LongestAnswer, cancel)
            ? answered.Task.Result
            : throw new RefusedException($"the engine has not answered for {LongestAnswer.TotalMinutes} minutes (asked to {what}); --debug shows where");
    }

    private static void Check(EngineError? error)
    {
        if (error is not null)
        {
            throw new RefusedException(error.Message);
        }
    }

    private sealed record Answer(EngineError? Error);
}
