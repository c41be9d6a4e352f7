//! `s3s-fs` in this process, for every test its own.

use std::net::SocketAddr;

use hyper_util::rt::TokioIo;
use longshore_storage::sandbox::S3Sandbox;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Fs {
    addr: SocketAddr,
    accepting: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Fs {
    /// With these buckets.
    pub(crate) async fn start(buckets: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for bucket in buckets {
            std::fs::create_dir(dir.path().join(bucket)).expect("a bucket");
        }
        let fs = s3s_fs::FileSystem::new(dir.path()).expect("a store");
        let mut service = S3ServiceBuilder::new(fs);
        service.set_auth(SimpleAuth::from_single(
            S3Sandbox::ACCESS_KEY_ID,
            S3Sandbox::SECRET_ACCESS_KEY,
        ));
        let service = service.build();
        let listener = TcpListener::bind(crate::LOOPBACK).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let http = hyper_util::server::conn::auto::Builder::new(
                        hyper_util::rt::TokioExecutor::new(),
                    );
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            addr,
            accepting,
            _dir: dir,
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Fs {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
