using Distributed.Engine.Formats;
using Distributed.Engine.Generation;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Engine.Torch.Generation;
using Distributed.Engine.Torch.Model;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>The policy engine on torch: one model on one device, and one thread that owns both.</summary>
/// <remarks>
/// Sampling draws tokens on the host from the same random streams and by the same rules as the managed engine. What torch's products give for a row depends, in the
/// last places, on what else is computed with it; so replies are the same to rounding, not to the bit, whatever else the engine does.
/// </remarks>
public sealed class TorchPolicyEngine : QueuedPolicyEngine
{
    private TorchPolicyEngine(object gate, TorchCore core, IReadOnlyList<TensorShape> tensors, ITokenizer tokenizer, TorchEngineOptions options)
        : base(gate, core, Loop(gate, core, options), core.Model.Config, core.Model.ContextLength, tensors, tokenizer, options.Engine) => Core = core;

    /// <summary>The core, for tests.</summary>
    internal TorchCore Core { get; }

    /// <summary>An engine on a Hugging Face folder: config.json, model.safetensors, tokenizer.json.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ModelFormatException">The model cannot be used; the message is one line.</exception>
    /// <exception cref="TokenizerFileException">The tokenizer cannot be used; the message is one line.</exception>
    /// <exception cref="ArgumentException">The options are out of range, libtorch or the device is missing, or the tokenizer has ids the model does not have.</exception>
    public static TorchPolicyEngine Load(string folder, TorchEngineOptions options) =>
        Load(folder, () => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")), options);

    /// <summary>An engine on random weights, to train from scratch; the same weights as the managed engine's for the same seed.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="tokenizer">Text to ids and back.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ArgumentException">As <see cref="Load(string, TorchEngineOptions)"/>.</exception>
    public static TorchPolicyEngine Random(ModelConfig config, ulong seed, ITokenizer tokenizer, TorchEngineOptions options) =>
        Create(ModelWeights.Random(config, seed), () => tokenizer, options);

    /// <summary>An engine on given weights.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="flat">Little-endian float32 in the order of <see cref="IPolicyEngine.Tensors"/>.</param>
    /// <param name="tokenizer">Text to ids and back.</param>
    /// <param name="options">What the engine may use.</param>
    /// <exception cref="ArgumentException">As <see cref="Load(string, TorchEngineOptions)"/>, or the weights are not those of such a model.</exception>
    public static TorchPolicyEngine FromWeights(ModelConfig config, ReadOnlySpan<byte> flat, ITokenizer tokenizer, TorchEngineOptions options)
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

        return Create(weights, () => tokenizer, options);
    }

    /// <summary>An engine on a folder, with a tokenizer of the caller's.</summary>
    internal static TorchPolicyEngine Load(string folder, Func<ITokenizer> makeTokenizer, TorchEngineOptions options)
    {
        Check(options);
        return Create(ModelFolder.Load(folder), makeTokenizer, options);
    }

    /// <summary>An engine on weights, which are disposed of once they are on the device.</summary>
    internal static TorchPolicyEngine Create(ModelWeights weights, Func<ITokenizer> makeTokenizer, TorchEngineOptions options)
    {
        using var host = weights;
        Check(options);
        var tokenizer = makeTokenizer();
        if (tokenizer.VocabularySize > weights.Config.VocabularySize)
            throw new ArgumentException(
                $"the tokenizer has {tokenizer.VocabularySize} ids, the model {weights.Config.VocabularySize}; they do not belong together", nameof(makeTokenizer));
        using var scope = NewDisposeScope();
        var model = new TorchModel(weights, options);
        try
        {
            return new TorchPolicyEngine(new object(), new TorchCore(model, options), model.Trained.Tensors, tokenizer, options);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void Check(TorchEngineOptions options)
    {
        if (options.Complaint() is { } complaint)
            throw new ArgumentException(complaint, nameof(options));
    }

    private static GenerationLoop Loop(object gate, TorchCore core, TorchEngineOptions options)
    {
        var (model, config) = (core.Model, core.Model.Config);
        var type = model.Decoder.ComputeType;
        var bounds = GenerationBounds.Of(options.Engine, model.ContextLength, DevicePages.BytesOf(config, type));

        // The cache is taken at once, so no more of it than all sequences could ever fill.
        var most = (long)KeyValueLayout.Pages(model.ContextLength) * options.Engine.MaxSequences;
        bounds = bounds with { CachePages = (int)Math.Min(bounds.CachePages, most) };
        var pages = new DevicePages(config, bounds.CachePages, model.Device, type);
        var batch = new DeviceBatch(model, pages, core.SampleLimit, bounds.BatchRows, bounds.BatchTurns);
        return new GenerationLoop(gate, config, model.ContextLength, bounds, pages, new StepTeam(1), batch, CacheFit.Any, turn => turn.Answer(turn.ToReply()));
    }
}
