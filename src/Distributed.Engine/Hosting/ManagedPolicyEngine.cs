using Distributed.Engine.Formats;
using Distributed.Engine.Generation;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>The policy engine in managed code: one model, one thread that owns it, and a pool of threads that compute.</summary>
public sealed class ManagedPolicyEngine : QueuedPolicyEngine
{
    private ManagedPolicyEngine(LoadedModel loaded, ITokenizer tokenizer, EngineOptions options)
        : this(new object(), new EngineCore(loaded, options.Threads), loaded.Tensors, tokenizer, options)
    {
    }

    private ManagedPolicyEngine(object gate, EngineCore core, IReadOnlyList<TensorShape> tensors, ITokenizer tokenizer, EngineOptions options)
        : base(gate, core, Loop(gate, core, options), core.Model.Config, core.Model.ContextLength, tensors, tokenizer, options)
    {
    }

    /// <summary>An engine on a Hugging Face folder: config.json, model.safetensors, tokenizer.json.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ModelFormatException">The model cannot be used; the message is one line.</exception>
    /// <exception cref="TokenizerFileException">The tokenizer cannot be used; the message is one line.</exception>
    /// <exception cref="ArgumentException">The options are out of range, or the tokenizer has ids the model does not have.</exception>
    public static ManagedPolicyEngine Load(string folder, EngineOptions options)
    {
        return Create(LoadedModel.Load(folder, options), () => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")), options);
    }

    /// <summary>An engine on random weights, to train from scratch.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="tokenizer">Text to ids and back.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ArgumentException">The sizes or options are out of range, or the tokenizer has ids the model does not have.</exception>
    public static ManagedPolicyEngine Random(ModelConfig config, ulong seed, ITokenizer tokenizer, EngineOptions options) =>
        Create(LoadedModel.Create(ModelWeights.Random(config, seed), options), () => tokenizer, options);

    /// <summary>An engine on given weights.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="flat">Little-endian float32 in the order of <see cref="IPolicyEngine.Tensors"/>.</param>
    /// <param name="tokenizer">Text to ids and back.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ArgumentException">The weights are not those of such a model, or as <see cref="Random"/> has it.</exception>
    public static ManagedPolicyEngine FromWeights(ModelConfig config, ReadOnlySpan<byte> flat, ITokenizer tokenizer, EngineOptions options)
    {
        var weights = new ModelWeights(config);
        try
        {
            weights.CopyFrom(flat);
        }
        catch
        {
            weights.Dispose();
            throw;
        }

        return Create(LoadedModel.Create(weights, options), () => tokenizer, options);
    }

    /// <summary>An engine on weights, which it takes over even if this fails.</summary>
    internal static ManagedPolicyEngine Create(ModelWeights weights, Func<ITokenizer> makeTokenizer, EngineOptions options) =>
        Create(LoadedModel.Create(weights, options), makeTokenizer, options);

    /// <summary>An engine on a model, which it takes over even if this fails.</summary>
    internal static ManagedPolicyEngine Create(LoadedModel loaded, Func<ITokenizer> makeTokenizer, EngineOptions options)
    {
        try
        {
            var tokenizer = makeTokenizer();
            if (tokenizer.VocabularySize > loaded.Packed.Config.VocabularySize)
                throw new ArgumentException(
                    $"the tokenizer has {tokenizer.VocabularySize} ids, the model {loaded.Packed.Config.VocabularySize}; they do not belong together", nameof(makeTokenizer));
            return new ManagedPolicyEngine(loaded, tokenizer, options);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    private static GenerationLoop Loop(object gate, EngineCore core, EngineOptions options)
    {
        var (model, config) = (core.Model, core.Model.Config);
        var layout = new KeyValueLayout(config.Layers, config.KeyValueHeads, config.HeadSize);
        var pageBytes = (long)layout.PageFloats * sizeof(float);
        var bounds = GenerationBounds.Of(options, model.ContextLength, pageBytes);
        var fit = new CacheFit(options.BatchBytes, model.PassBytes, pageBytes / KeyValueLayout.PagePositions, CacheFit.LeastTurnsOf(options.Threads));
        var team = new StepTeam(options.Threads);
        return new GenerationLoop(
            gate, config, model.ContextLength, bounds, new KeyValuePages(layout, bounds.CachePages), team,
            new DecoderBatch(model, layout, team, bounds.BatchRows, bounds.BatchTurns, fit.HoldsWeights), fit, turn => turn.Answer(turn.ToReply()));
    }
}
