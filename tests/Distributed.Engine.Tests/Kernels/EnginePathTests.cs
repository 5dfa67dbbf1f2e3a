using System.Reflection;
using System.Runtime.Loader;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Formats;
using Distributed.Engine.Tests.Hosting;
using Distributed.Engine.Tokenizers;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Kernels;

/// <summary>
/// The whole engine on each kind of vector instructions. Which kind is in use is decided once a process, so each is a copy of the assembly with
/// statics of its own.
/// </summary>
public sealed class EnginePathTests
{
    [Fact]
    public void Scores_training_and_greedy_tokens_agree_between_all_vector_instructions()
    {
        using var folder = new TemporaryFolder();
        using (var weights = TinyModels.Weights(TinyModels.Config(ModelFamily.Qwen3), 4))
            ModelFolder.Save(folder.Path, weights);
        WordLevelTokenizerFile.Write(folder["tokenizer.json"], [.. Enumerable.Range(0, 37).Select(id => $"w{id}")], [], "w0");
        var paths = Enum.GetValues<SimdPath>().Where(Simd.IsSupported).ToArray();
        var outcomes = paths.Select(path => Work(path, folder.Path)).ToArray();
        for (var i = 1; i < paths.Length; i++)
        {
            outcomes[i].Tokens.ShouldBe(outcomes[0].Tokens, paths[i].ToString());
            for (var value = 0; value < outcomes[0].Values.Length; value++)
                ((double)outcomes[i].Values[value]).ShouldBe(outcomes[0].Values[value], 2e-5 * (1 + Math.Abs(outcomes[0].Values[value])), $"{paths[i]}, {value}");
        }
    }

    private static (float[] Values, int[] Tokens) Work(SimdPath path, string folder)
    {
        using var engine = Load(path, folder);
        var random = new Random(2);
        TrainSequence[] sequences = [.. Enumerable.Range(0, 5).Select(i => new TrainSequence(TinyModels.Tokens(random, 20 + (17 * i), 37), Enumerable.Range(1, 15 + i).ToArray()))];
        var values = new List<float>();
        for (var step = 0; step < 3; step++)
        {
            var reply = EngineFixture.Wait<TrainReply>(done => engine.Train(new TrainRequest(sequences, new Training.MeanLoss(80), new OptimizerOptions(1e-3f)), done));
            reply.Error.ShouldBeNull();
            values.AddRange([(float)reply.Loss, (float)reply.GradNorm, (float)reply.Entropy]);
        }

        var scores = EngineFixture.Wait<LogProbsReply>(done => engine.LogProbs(sequences, done));
        foreach (var part in scores.LogProbs)
            values.AddRange(part.ToArray());
        var sampled = EngineFixture.Wait<GenerateReply>(done => engine.Generate(EngineFixture.Request(1, [3, 4, 5], 20, SamplingOptions.Greedy), done));
        return ([.. values], sampled.Tokens.ToArray());
    }

    private static IPolicyEngine Load(SimdPath path, string folder)
    {
        // This process' own choice must have been made before the wish is set.
        _ = Simd.Path;
        var context = new AssemblyLoadContext(path.ToString());
        var assembly = context.LoadFromAssemblyPath(typeof(ManagedPolicyEngine).Assembly.Location);
        AppContext.SetData("Distributed.Simd", path.ToString().ToLowerInvariant());
        try
        {
            var simd = assembly.GetType(typeof(Simd).FullName!, throwOnError: true)!;
            simd.GetField(nameof(Simd.Path))!.GetValue(null)!.ToString().ShouldBe(path.ToString());
        }
        finally
        {
            AppContext.SetData("Distributed.Simd", null);
        }

        var options = Activator.CreateInstance(assembly.GetType(typeof(EngineOptions).FullName!, throwOnError: true)!)!;
        var load = assembly.GetType(typeof(ManagedPolicyEngine).FullName!, throwOnError: true)!.GetMethod(nameof(ManagedPolicyEngine.Load), BindingFlags.Public | BindingFlags.Static)!;
        return (IPolicyEngine)load.Invoke(null, [folder, options])!;
    }
}
